/** RL with a KL penalty on the experiment's contexts, with its reward model: the other side of the Bayesian view. */
import { rlStep } from '../baselines/rloo.js';
import type { RlRow } from '../pipeline/tables.js';
import { dataTable } from './data.js';
import { rewardModel } from './reward-model.js';
import type { StudyContext } from './study-context.js';

/** Contexts a step, samples of each, learning rate. */
const SETTINGS = { prompts: 8, samples: 8, lr: 2e-4 };

export const rlFolder = (beta: number) => `rl/beta-${beta}`;

/** The tuned model's folder, and the log of its training. */
export async function reinforced(
  study: StudyContext,
  beta: number,
): Promise<{ tuned: string; log: RlRow[] }> {
  const { run, scale, data } = study;
  const { base, maxTokens } = run.options;
  const reward = await rewardModel(study, 'quality', 'bradley-terry');
  const options = { ...SETTINGS, beta, steps: scale.rlSteps, maxTokens };
  const contexts = data.contexts.slice(0, scale.usual);
  const from = dataTable('contexts');
  return rlStep(run, rlFolder(beta), { theta: base, rewardModel: reward, contexts, from, options });
}
