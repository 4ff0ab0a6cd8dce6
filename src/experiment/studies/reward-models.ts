import { comparisonsStep } from '../../baselines/comparisons.js';
import { withReward } from '../../baselines/reward.js';
import { texts as inTexts } from '../../pipeline/progress.js';
import { tableStep } from '../../pipeline/run-context.js';
import type { TableSchema } from '../../store/tables.js';
import { type Arm, rewardModelArm } from '../arms.js';
import { rewardModel } from '../reward-model.js';
import { contextsAt } from '../scale.js';
import type { Study } from '../study.js';
import type { StudyContext } from '../study-context.js';
import { type Value, valuesAt } from '../value.js';

/** Rewards of the two outputs of a comparison. */
const comparedTable = {
  context: 'utf8',
  chosen: 'float64',
  rejected: 'float64',
} as const satisfies TableSchema;

export const rewardModelsStudy: Study = {
  name: 'reward-models',
  about: 'reward models by the number of comparisons that they learn from',
  valuesIn: async (study) => {
    const values: Value[] = [];
    for (const form of ['bradley-terry', 'yes-no'] as const)
      for (const n of study.scale.comparisons) {
        const dir = await rewardModel(study, 'quality', form, n);
        values.push(...(await accuracy(study, rewardModelArm(form, n), dir)));
      }
    return values;
  },
};

/** Share of comparisons that nobody learned from which the model orders as the annotator did; ties as half. */
async function accuracy({ run, scale }: StudyContext, arm: Arm, dir: string): Promise<Value[]> {
  const folder = 'reward-models/held-out';
  const contexts = contextsAt(run.task, scale.places.comparedHeldOut, scale.comparisonsHeldOut);
  const compared = await comparisonsStep(run, folder, 'quality', contexts);
  const inputs = { tables: [`${folder}/comparisons`], models: [dir] };
  const rows = await tableStep(run, `${folder}/${arm.id}`, comparedTable, inputs, async (progress) => {
    const scores = await withReward(dir, run.task.prompts, (reward) =>
      reward.score(
        compared.flatMap(({ text: context, chosen, rejected }) => [
          { context, text: chosen },
          { context, text: rejected },
        ]),
        inTexts(progress, 'rewarding comparisons'),
      ),
    );
    return compared.map(({ context }, i) => ({
      context,
      chosen: scores[2 * i]!,
      rejected: scores[2 * i + 1]!,
    }));
  });
  return rows.flatMap(({ context, chosen, rejected }) =>
    valuesAt(arm, context, { correct: chosen > rejected ? 1 : chosen === rejected ? 0.5 : 0 }),
  );
}
