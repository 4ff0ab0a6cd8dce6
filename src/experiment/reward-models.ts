/** Reward models of the experiment; each is trained once and used by several studies. */
import { comparisonsStep, rewardModelStep } from '../ilf/reward-steps.js';
import type { PreferenceForm } from '../lm/preference.js';
import type { World } from './world.js';

/** Contexts of comparisons: far from those that feedback is given on, and those that accuracy is measured on from each other. */
const COMPARED = 100_000;
export const COMPARED_HELD_OUT = 400_000;

/** The folder of a model trained on `n` comparisons, of all there are unless said otherwise. */
export async function rewardModel(
  { lab, scale }: World,
  kind: 'quality' | 'human',
  form: PreferenceForm,
  n = scale.comparisons.at(-1)!,
): Promise<string> {
  const compared = `reward-models/${kind}-${n}`;
  const comparisons = await comparisonsStep(lab, compared, kind, COMPARED, n);
  const folder = `reward-models/${kind}-${form}-${n}`;
  return rewardModelStep(lab, folder, `${compared}/comparisons`, comparisons, kind, form);
}
