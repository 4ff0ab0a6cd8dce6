/** A reward model's two steps as parts of a run: its comparisons, and the model. As steps.ts. */
import type { PreferenceForm } from '../lm/preference.js';
import { samplingOf } from '../pipeline/options.js';
import { folderStep, type RunContext, tableStep } from '../pipeline/run-context.js';
import { stepSeed } from '../pipeline/seeds.js';
import { comparisonsTable, toContextRow } from '../pipeline/tables.js';
import type { Json } from '../store/hash.js';
import type { Context } from '../tasks/task.js';
import { openModel } from '../writers/text-model.js';
import { COMPARE, type ComparisonKind, PROMPTS } from './comparisons.js';
import { type Comparison, trainRewardModel } from './reward-model.js';

/** Comparisons on contexts, one on each; fewer where two outputs were equal. */
export function comparisonsStep(
  run: RunContext,
  folder: string,
  kind: ComparisonKind,
  contexts: readonly Context[],
): Promise<Comparison[]> {
  const { task, options, models } = run;
  const sampling = samplingOf(options);
  const seed = stepSeed(options.seed, folder, 'comparisons');
  const values = { ...sampling, kind, seed, contexts: contexts.map(toContextRow) } as unknown as Json;
  const inputs = { models: [options.base], values };
  return tableStep(run, `${folder}/comparisons`, comparisonsTable, inputs, async (progress) =>
    COMPARE[kind](task, await models.get(options.base), contexts, sampling, seed, progress),
  );
}

/** The instruction-tuned LM trained on comparisons, which were read from the table of this name; its folder. */
export function rewardModelStep(
  run: RunContext,
  folder: string,
  table: string,
  comparisons: readonly Comparison[],
  kind: ComparisonKind,
  form: PreferenceForm,
): Promise<string> {
  const { instruct, seed: runSeed } = run.options;
  const seed = stepSeed(runSeed, folder, 'reward-model');
  const inputs = { tables: [table], models: [instruct], values: { kind, form, seed } };
  return folderStep(run, `${folder}/model`, inputs, async (dir, progress) => {
    // A copy of its own: the shelf's is π_ψ to other steps.
    const model = await openModel(instruct);
    try {
      await trainRewardModel(model, comparisons, PROMPTS[kind], form, seed, dir, progress, (step, loss) =>
        run.show.scalar(`${folder}/loss`, step, loss),
      );
    } finally {
      model.lm.dispose();
    }
  });
}
