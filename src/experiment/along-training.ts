/** What ILF's training moves towards. */
import type { Calibration } from '../bayes/index.js';
import { disposeAdamState } from '../engine/fused.js';
import { tune } from '../ilf/finetune.js';
import { tuningOf } from '../pipeline/options.js';
import { noProgress } from '../pipeline/progress.js';
import { tableStep } from '../pipeline/run-context.js';
import { stepSeed } from '../pipeline/seeds.js';
import type { RowOf, TableSchema } from '../store/tables.js';
import { openModel } from '../writers/text-model.js';
import { changeArm, TARGETS_ALONG, type TargetAlong } from './arms.js';
import { logPolicy, type Proposals } from './bayesian-data.js';
import { PROPOSALS } from './proposals.js';
import type { StudyContext } from './study-context.js';
import { klFrom } from './target-kl.js';
import { folderOf, type Recipe, recipeTargets } from './tuned.js';
import { afterStep, measuredValue, type Value } from './value.js';

/** By how much the KL from a target (a name of `TARGETS_ALONG`) to the model changed until a step, in nats. */
const changesTable = {
  target: 'utf8',
  step: 'int32',
  context: 'utf8',
  change: 'float64',
} as const satisfies TableSchema;

/** By how much the KL from the targets changed, four times during a training of ILF and after it. */
export async function changeValues(
  study: StudyContext,
  proposals: readonly Proposals[],
  platt: Calibration,
  beta: number,
  recipe: Recipe,
): Promise<Value[]> {
  const { run } = study;
  const folder = folderOf(recipe);
  const tuning = tuningOf(run.options);
  // The very training that made the recipe's model.
  const seed = stepSeed(run.options.seed, folder, 'finetune');
  const { targets } = await recipeTargets(study, recipe);
  const inputs = {
    tables: [`${folder}/targets`, PROPOSALS, 'posterior/judged-proposals'],
    models: [run.options.base],
    values: { ...tuning, seed, beta, platt: { ...platt } },
  };
  const rows = await tableStep(run, 'posterior/changes', changesTable, inputs, async (progress) => {
    const model = await openModel(run.options.base);
    const some = proposals.slice(0, Math.ceil(proposals.length / 2));
    const out: RowOf<typeof changesTable>[] = [];
    let before: Record<TargetAlong, number>[] | undefined;
    const measure = async (step: number) => {
      const logPolicies = await logPolicy(model, run.task, some, noProgress);
      const now = some.map((of, i) => klFrom(of, logPolicies[i]!, beta, run.options.samples));
      before ??= now;
      for (const target of TARGETS_ALONG)
        some.forEach(({ context }, i) => {
          const change = now[i]![target] - before![i]![target];
          out.push({ target, step, context: context.id, change });
        });
    };
    try {
      await measure(0);
      const how = { task: run.task, targets, tuning, seed };
      const state = await tune(model, how, async ({ step, steps }) => {
        progress('finetuning, and KL from the targets', step, steps, 'steps');
        if (step % Math.ceil(steps / 5) === 0 || step === steps) await measure(step);
      });
      disposeAdamState(state);
    } finally {
      model.lm.dispose();
    }
    return out;
  });
  return rows.map(({ target, step, context, change }) =>
    measuredValue(changeArm(target as TargetAlong), afterStep(step), context, change),
  );
}
