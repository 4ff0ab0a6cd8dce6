import { mean } from '../../bayes/sums.js';
import { heldOutTable } from '../../ilf/heldout.js';
import { type FeedbackCondition, sampleCandidates, toRefine } from '../../ilf/refine.js';
import { textsOf } from '../../pipeline/held-out.js';
import { samplingOf } from '../../pipeline/options.js';
import { folderStep, tableStep } from '../../pipeline/run-context.js';
import { stepSeed } from '../../pipeline/seeds.js';
import { type TextRow, textsTable, toTextRows } from '../../pipeline/tables.js';
import { localWriter } from '../../writers/local.js';
import { type Rung, rungs, trainRung } from '../rungs.js';
import { incorporatedIn, valuesOf } from '../scores.js';
import type { Study } from '../study.js';
import type { StudyContext } from '../study-context.js';
import type { Value } from '../values.js';

/** What a rung's refiner is told. */
const kinds = ['with', 'without', 'shuffled'] as const;
type Kind = (typeof kinds)[number];
const conditionOf = { with: 'own', without: 'none', shuffled: 'other' } as const satisfies Record<
  Kind,
  FeedbackCondition
>;

export const ladder: Study = {
  name: 'ladder',
  about: 'refiners of growing size, trained from nothing: where using feedback begins',
  embedded: true,
  run: async (study) => {
    const values: Value[] = [];
    for (const index of study.scale.ladder.rungs) values.push(...(await rung(study, index)));
    return values;
  },
};

async function rung(study: StudyContext, index: number): Promise<Value[]> {
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
  const settled: Record<Kind, number[]> = { with: [], without: [], shuffled: [] };
  for (const kind of kinds) {
    const texts = textsOf(heldOut.contexts, await refinementsStep(study, of, folder, dir, kind));
    settled[kind] = (await incorporatedIn(study, heldOut.contexts, texts))!.map(mean);
  }
  await run.models.close(dir);
  return valuesOf(of.name, heldOut.contexts, {
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
  kind: Kind,
): Promise<TextRow[]> {
  const { contexts, initial, feedback } = heldOut;
  const seed = stepSeed(run.options.seed, folder, kind);
  const sampling = samplingOf(run.options);
  const inputs = {
    tables: ['contexts', 'initial', 'feedback'].map(heldOutTable),
    models: [dir],
    values: { ...sampling, seed, texts: scale.texts },
  };
  return tableStep(run, `${folder}/${kind}`, textsTable, inputs, async (progress) => {
    const items = toRefine(contexts, initial, feedback, conditionOf[kind]);
    const refiner = localWriter(await run.models.get(dir));
    const how = { task: run.task, samples: scale.texts, sampling, seed };
    const drawn = await sampleCandidates(refiner, items, how, (_, done, all, unit) =>
      progress(`refining by ${of.name}`, done, all, unit),
    );
    return toTextRows(contexts, drawn);
  });
}
