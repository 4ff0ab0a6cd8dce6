/** What a model is worth and how far it is from π_0: what every arm that trains one is measured by. */
import { winShares } from '../bayes/index.js';
import { mean, sum } from '../bayes/sums.js';
import { heldOutTable } from '../ilf/heldout.js';
import { klStep } from '../ilf/measure.js';
import { samplingOf } from '../pipeline/options.js';
import { outputIn, type Policy, roomFor } from '../pipeline/policy.js';
import { texts as inTexts } from '../pipeline/progress.js';
import { tableStep } from '../pipeline/run-context.js';
import { stepSeed } from '../pipeline/seeds.js';
import { byContext, type KlRow, type TextRow, textsTable, toTextRows } from '../pipeline/tables.js';
import { summaryPrompt } from '../tasks/prompts.js';
import { type Context, contextName } from '../tasks/task.js';
import { sampleTexts } from '../writers/texts.js';
import type { StudyContext } from './study-context.js';
import type { Value } from './values.js';

/** Texts of a model on the held-out contexts, `scale.texts` of each. */
export function outputsStep(
  { run, scale, heldOut }: StudyContext,
  folder: string,
  model: Policy,
): Promise<TextRow[]> {
  const sampling = samplingOf(run.options);
  const settings = { ...sampling, maxNewTokens: roomFor(model.writes, sampling.maxNewTokens) };
  const seed = stepSeed(run.options.seed, folder, 'outputs');
  const inputs = {
    tables: [heldOutTable('contexts')],
    models: [model.dir],
    values: { ...settings, seed, texts: scale.texts },
  };
  return tableStep(run, `${folder}/outputs`, textsTable, inputs, async (progress) => {
    const { contexts } = heldOut;
    const drawn = await sampleTexts(
      await run.models.get(model.dir),
      contexts.map(({ text }) => summaryPrompt(text)),
      contexts.map(contextName),
      scale.texts,
      settings,
      seed,
      inTexts(progress, 'sampling outputs'),
    );
    return toTextRows(
      contexts,
      drawn.map((of) => of.map((text) => outputIn(text, model.writes))),
    );
  });
}

/** Scores, win rates and length of texts [context][text]. */
export function textValues(study: StudyContext, arm: string, texts: readonly (readonly string[])[]): Value[] {
  const { heldOut, scorer } = study;
  const { contexts } = heldOut;
  const score = (context: Context, of: readonly string[]) => of.map((text) => scorer.score(context, text));
  const scores = contexts.map((context, i) => score(context, texts[i]!));
  const base = contexts.map((context, i) => score(context, [heldOut.base[i]!.text]));
  const gold = contexts.map((context) => score(context, [context.gold!]));
  const measures = {
    score: scores.map(mean),
    winVsBase: winShares(scores, base),
    winVsGold: winShares(scores, gold),
    length: texts.map((of) => mean(of.map((text) => text.length))),
  };
  return Object.entries(measures).flatMap(([measure, values]) =>
    values.map((value, i) => ({ arm, measure, context: contexts[i]!.id, value })),
  );
}

/** KL(π_θ ‖ π_0) and KL(π_0 ‖ π_θ), Rao–Blackwellised, in nats a text. */
function klValues(arm: string, rows: readonly KlRow[]): Value[] {
  const measures = { tunedFromBase: 'klTunedBase', baseFromTuned: 'klBaseTuned' } as const;
  return rows.map(({ direction, context, exact }) => ({
    arm,
    measure: measures[direction as keyof typeof measures],
    context,
    value: sum(exact),
  }));
}

/** Everything about one arm's model; `folder` gets its tables. The model is closed again. */
export async function measureModel(
  study: StudyContext,
  arm: string,
  folder: string,
  model: Policy,
): Promise<Value[]> {
  const outputs = byContext(await outputsStep(study, folder, model));
  const { rows: kl } = await klStep(study.run, folder, model, study.heldOut);
  if (model.dir !== study.run.options.base) await study.run.models.close(model.dir);
  const values = klValues(arm, kl);
  for (const measure of ['klTunedBase', 'klBaseTuned']) {
    const of = values.filter((value) => value.measure === measure).map(({ value }) => value);
    study.run.show.scalar(`${folder}/${measure}`, 0, mean(of));
  }
  const texts = study.heldOut.contexts.map(({ id }) => outputs.get(id)!.map(({ text }) => text));
  return [...textValues(study, arm, texts), ...values];
}
