/**
 * Two models on the same texts, each run once: what both say of every completion token, and how far apart they are over the whole
 * vocabulary at its prefix. No array of tokens × vocabulary is made.
 */
import { linearCompare, linearKL } from '../engine/fused.js';
import { UserError } from '../store/errors.js';
import type { CausalLM } from './model.js';
import { checked, MAX_TOKENS, perToken, predicting, type ScoreItem } from './score.js';

/** Of one completion, each [completion tokens], in nats. */
export interface Comparison {
  /** ln q(token | what precedes it). */
  logQ: Float32Array;
  /** ln p(token | what precedes it). */
  logP: Float32Array;
  /**
   * KL(q(·|prefix) ‖ p(·|prefix)) over the whole vocabulary; its sum over a completion sampled from q is the Rao–Blackwellised
   * estimate of the sequences' KL.
   */
  exact: Float32Array;
}

/**
 * @throws UserError for models of different vocabularies, an empty prompt, or a text longer than a model's positions. maxTokens
 *   bounds memory, not the result.
 */
export async function compareCompletions(
  q: CausalLM,
  p: CausalLM,
  items: readonly ScoreItem[],
  maxTokens = MAX_TOKENS,
): Promise<Comparison[]> {
  requireOneVocabulary(q, p);
  const compared = await perToken(items, maxTokens, ['logQ', 'logP', 'exact'], (rectangle) =>
    linearCompare(predicting(q, rectangle), q.head, predicting(p, rectangle), p.head, rectangle.labels),
  );
  return checkedBoth(q, p, compared);
}

/** The same with KL(p ‖ q) at each prefix, `reverse`: for texts that are neither model's. */
export async function compareBothWays(
  q: CausalLM,
  p: CausalLM,
  items: readonly ScoreItem[],
  maxTokens = MAX_TOKENS,
): Promise<(Comparison & { reverse: Float32Array })[]> {
  requireOneVocabulary(q, p);
  const compared = await perToken(items, maxTokens, ['logQ', 'logP', 'exact', 'reverse'], (rectangle) => {
    const [hq, hp] = [predicting(q, rectangle), predicting(p, rectangle)];
    const reverse = linearKL(hp, p.head, hq, q.head);
    return { ...linearCompare(hq, q.head, hp, p.head, rectangle.labels), reverse };
  });
  return checkedBoth(q, p, compared);
}

/** @throws UserError where a model's numbers are not finite; the KLs of finite ones are */
function checkedBoth<C extends Comparison>(q: CausalLM, p: CausalLM, compared: C[]): C[] {
  for (const { logQ, logP } of compared) {
    checked(q, logQ);
    checked(p, logP);
  }
  return compared;
}

/** @throws UserError for models of different vocabularies */
export function requireOneVocabulary(q: CausalLM, p: CausalLM): void {
  const [ofQ, ofP] = [q.description.vocab, p.description.vocab];
  if (ofQ !== ofP) throw new UserError(`the models' vocabularies differ: ${ofQ} and ${ofP} tokens`);
}
