import { mean } from '../../bayes/sums.js';
import { heldOutTable } from '../../ilf/heldout.js';
import { type FeedbackCondition, sampleCandidates, toRefine } from '../../ilf/refine.js';
import { textsOf } from '../../pipeline/held-out.js';
import { samplingOf } from '../../pipeline/options.js';
import { folderStep, tableStep } from '../../pipeline/run-context.js';
import { stepSeed } from '../../pipeline/seeds.js';
import { type TextRow, textsTable, toTextRows } from '../../pipeline/tables.js';
import { localWriter } from '../../writers/local.js';
import { rungArm } from '../arms.js';
import { type Rung, rungs, trainRung } from '../rungs.js';
import { incorporatedIn } from '../scores.js';
import type { Study } from '../study.js';
import type { StudyContext } from '../study-context.js';
import { type Value, valuesOver } from '../value.js';

/** What a rung's refiner is told. */
const tellings = ['with', 'without', 'shuffled'] as const;
type Telling = (typeof tellings)[number];
const conditionOf = { with: 'own', without: 'none', shuffled: 'other' } as const satisfies Record<
  Telling,
  FeedbackCondition
>;

export const ladderStudy: Study = {
  name: 'ladder',
  about: 'refiners of growing size, trained from nothing: where using feedback begins',
  embedded: true,
  valuesIn: async (study) => {
    const values: Value[] = [];
    for (const index of study.scale.ladder.rungs) values.push(...(await rungValues(study, index)));
    return values;
  },
};

async function rungValues(study: StudyContext, index: number): Promise<Value[]> {
  const { run, scale, heldOut, oracle } = study;
  if (!oracle) throw new RangeError('the ladder is about the embedded world alone');
  const of = rungs[index]!;
  const folder = `ladder/${of.n_layer}x${of.n_embd}`;
  const { steps } = scale.ladder;
  const { base, seed } = run.options;
  const inputs = { models: [`${base}/tokenizer.json`], values: { ...of, steps, seed } };
  const dir = await folderStep(run, `${folder}/model`, inputs, (to, progress) =>
    trainRung(of, steps, seed, base, to, (step, all) =>
      progress(`training a refiner of ${of.name}`, step, all, 'steps'),
    ),
  );
  const settled: Record<Telling, number[]> = { with: [], without: [], shuffled: [] };
  for (const telling of tellings) {
    const texts = textsOf(heldOut.contexts, await refinementsStep(study, of, folder, dir, telling));
    settled[telling] = (await incorporatedIn(study, heldOut.contexts, texts))!.map(mean);
  }
  await run.models.close(dir);
  return valuesOver(rungArm(of), heldOut.contexts, {
    incorporated: settled.with,
    incorporatedWithout: settled.without,
    incorporatedShuffled: settled.shuffled,
    gain: settled.with.map((share, i) => share - settled.shuffled[i]!),
  });
}

/** Refinements of the held-out contexts' initial outputs by this rung. */
function refinementsStep(
  { run, scale, heldOut }: StudyContext,
  of: Rung,
  folder: string,
  dir: string,
  telling: Telling,
): Promise<TextRow[]> {
  const { contexts, initial, feedback } = heldOut;
  const seed = stepSeed(run.options.seed, folder, telling);
  const sampling = samplingOf(run.options);
  const inputs = {
    tables: ['contexts', 'initial', 'feedback'].map(heldOutTable),
    models: [dir],
    values: { ...sampling, seed, texts: scale.texts, format: run.task.format.output.name },
  };
  return tableStep(run, `${folder}/${telling}`, textsTable, inputs, async (progress) => {
    const items = toRefine(contexts, initial, feedback, conditionOf[telling]);
    const refiner = localWriter(await run.models.get(dir));
    const how = { task: run.task, samples: scale.texts, sampling, seed };
    const drawn = await sampleCandidates(refiner, items, how, (_, done, all, unit) =>
      progress(`refining by ${of.name}`, done, all, unit),
    );
    return toTextRows(contexts, drawn);
  });
}
