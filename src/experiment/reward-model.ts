/** Reward models of the experiment; each is trained once and used by several studies. */
import { comparisonsStep } from '../baselines/comparisons.js';
import { rewardModelStep } from '../baselines/reward-model.js';
import type { PreferenceForm } from '../lm/preference.js';
import { contextsAt } from './scale.js';
import type { StudyContext } from './study-context.js';

/** The folder of a model trained on `n` comparisons, of all there are unless said otherwise. */
export async function rewardModel(
  { run, scale }: StudyContext,
  kind: 'quality' | 'human',
  form: PreferenceForm,
  n = scale.comparisons.at(-1)!,
): Promise<string> {
  const compared = `reward-models/${kind}-${n}`;
  const contexts = contextsAt(run.task, scale.places.compared, n);
  const comparisons = await comparisonsStep(run, compared, kind, contexts);
  const folder = `reward-models/${kind}-${form}-${n}`;
  return rewardModelStep(run, folder, { kind, form, comparisons, table: `${compared}/comparisons` });
}
