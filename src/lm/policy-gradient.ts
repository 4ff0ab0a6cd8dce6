import type { CausalLM } from './model.js';
import type { ScoreItem } from './score.js';
import { type LossAndGrads, lossAndGrads } from './train.js';

/** A completion that the model sampled, and how much better than expected it was. */
export interface Rollout extends ScoreItem {
  advantage: number;
}

/**
 * −Σ_i A_i ln π(x_i) / n over n sampled completions, whose gradient is that of −E[R] where the advantages are unbiased
 * (src/bayes/rloo.ts). Divided by the completions, not by their tokens: a mean over tokens would follow another gradient.
 */
export function policyGradient<R extends Rollout>(
  lm: CausalLM,
  rollouts: readonly R[],
  maxTokens: number,
): LossAndGrads {
  const examples = rollouts.map(({ prompt, completion, advantage }) => ({
    ids: [...prompt, ...completion],
    weights: [...prompt.map(() => 0), ...completion.map(() => advantage)],
  }));
  return lossAndGrads(lm, examples, rollouts.length, maxTokens);
}
