/** What a model is worth and how far it is from π_0: what every arm that trains one is measured by. */
import { winShares } from '../bayes/index.js';
import { mean, sum } from '../bayes/sums.js';
import { heldOutTable } from '../ilf/heldout.js';
import { klStep } from '../measure/kl.js';
import { textsOf } from '../pipeline/held-out.js';
import { samplingOf } from '../pipeline/options.js';
import { formatOf, outputIn, type Policy, roomFor } from '../pipeline/policy.js';
import { texts as inTexts } from '../pipeline/progress.js';
import { tableStep } from '../pipeline/run-context.js';
import { stepSeed } from '../pipeline/seeds.js';
import { type KlRow, type TextRow, textsTable, toTextRows } from '../pipeline/tables.js';
import { outputPrompt } from '../tasks/task.js';
import { localWriter } from '../writers/local.js';
import { given } from '../writers/writer.js';
import type { Arm } from './arms.js';
import { scoresOf, singleTexts } from './scores.js';
import type { StudyContext } from './study-context.js';
import { type Value, valuesAt, valuesOver } from './value.js';

/** Texts of a model on the held-out contexts, `scale.texts` of each. */
export function outputsStep(
  { run, scale, heldOut }: StudyContext,
  folder: string,
  { dir, writes }: Policy,
): Promise<TextRow[]> {
  const { task } = run;
  const format = formatOf(task.format, writes);
  const sampling = samplingOf(run.options);
  const settings = { ...sampling, maxTokens: roomFor(writes, sampling.maxTokens) };
  const seed = stepSeed(run.options.seed, folder, 'outputs');
  const inputs = {
    tables: [heldOutTable('contexts')],
    models: [dir],
    values: { ...settings, seed, texts: scale.texts, format: format.name },
  };
  return tableStep(run, `${folder}/outputs`, textsTable, inputs, async (progress) => {
    const { contexts } = heldOut;
    const drawn = await localWriter(await run.models.get(dir)).write(
      contexts.map((context) => outputPrompt(task.prompts, context)),
      scale.texts,
      { ...settings, format, seed },
      inTexts(progress, 'sampling outputs'),
    );
    const outputOf = (of: (typeof drawn)[number][number]) =>
      writes === 'output' ? of : given(outputIn(task, of.text, writes));
    return toTextRows(
      contexts,
      drawn.map((of) => of.map(outputOf)),
    );
  });
}

/** Scores, win rates and length of texts [context][text]. */
export async function textValues(
  study: StudyContext,
  arm: Arm,
  texts: readonly (readonly string[])[],
): Promise<Value[]> {
  const { contexts, base } = study.heldOut;
  const scores = await scoresOf(study, contexts, texts);
  const before = await scoresOf(study, contexts, singleTexts(study, base));
  const gold = await scoresOf(
    study,
    contexts,
    contexts.map((context) => [context.gold!]),
  );
  return valuesOver(arm, contexts, {
    score: scores.map(mean),
    winVsBase: winShares(scores, before),
    winVsGold: winShares(scores, gold),
    length: texts.map((of) => mean(of.map((text) => text.length))),
  });
}

/** KL(π_θ ‖ π_0) and KL(π_0 ‖ π_θ), Rao–Blackwellised, in nats a text. */
function klValues(arm: Arm, rows: readonly KlRow[]): Value[] {
  const measures = { tunedFromBase: 'klTunedBase', baseFromTuned: 'klBaseTuned' } as const;
  return rows.flatMap(({ direction, context, exact }) =>
    valuesAt(arm, context, { [measures[direction as keyof typeof measures]]: sum(exact) }),
  );
}

/** Everything about one arm's model; `folder` gets its tables. The model is closed again. */
export async function measureModel(
  study: StudyContext,
  arm: Arm,
  folder: string,
  model: Policy,
): Promise<Value[]> {
  const { run, heldOut } = study;
  const outputs = await outputsStep(study, folder, model);
  const { rows: kl } = await klStep(run, folder, model, heldOut.contexts, heldOutTable('contexts'));
  if (model.dir !== run.options.base) await run.models.close(model.dir);
  const values = klValues(arm, kl);
  for (const measure of ['klTunedBase', 'klBaseTuned']) {
    const of = values.filter((value) => value.measure === measure).map(({ value }) => value);
    run.reporter.scalar(`${folder}/${measure}`, 0, mean(of));
  }
  return [...(await textValues(study, arm, textsOf(heldOut.contexts, outputs))), ...values];
}
