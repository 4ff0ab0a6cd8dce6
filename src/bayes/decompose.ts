// Where a KL(q ‖ p) comes from: which positions of a text, and which tokens. Both add up to the sequence's KL, on the same
// texts that estimateKl takes (x ~ q at temperature 1 from the whole vocabulary), which count the same.
import { type BootstrapOptions, type Estimate, ratioEstimate } from './estimate.js';
import { checkText, type KlSample, k1 } from './kl.js';

export interface KlByPosition {
  /** Rao–Blackwellised where every text has its exact KL, else k1. */
  estimator: 'raoBlackwell' | 'k1';
  /** [longest text's length]; their values add up to the sequence's KL by that estimator. */
  positions: PositionKl[];
}

export interface PositionKl {
  /** 0 is the completion's first token. */
  position: number;
  /** Mean KL at this position in nats, over all texts: those that ended before it contribute 0. */
  kl: Estimate;
  /** Share of texts that have a token here; kl / alive is the mean KL of these. */
  alive: number;
}

/**
 * KL at each token position, with intervals by bootstrap over contexts.
 * @param contexts [context][text]
 * @throws RangeError on no texts, arrays of different lengths, or NaN
 */
export function klByPosition(
  contexts: readonly (readonly KlSample[])[],
  options: BootstrapOptions = {},
): KlByPosition {
  checkTexts(contexts, 'klByPosition');
  const texts = contexts.flat();
  const exact = texts.every((text) => text.exact !== undefined);
  const at = (text: KlSample, t: number): number => {
    if (t >= text.logQ.length) return 0;
    return exact ? text.exact![t]! : k1(text.logP[t]! - text.logQ[t]!);
  };
  const longest = texts.reduce((length, text) => Math.max(length, text.logQ.length), 0);
  const positions = Array.from({ length: longest }, (_, position) => ({
    position,
    kl: ratioEstimate(
      contexts.map((of) => ({
        sum: of.reduce((sum, text) => sum + at(text, position), 0),
        weight: of.length,
      })),
      options,
    ),
    alive: texts.filter((text) => text.logQ.length > position).length / texts.length,
  }));
  return { estimator: exact ? 'raoBlackwell' : 'k1', positions };
}

/** A text with its token ids, of the same length as the log-probabilities. */
export interface KlText extends KlSample {
  ids: ArrayLike<number>;
}

export interface TokenKl {
  id: number;
  /** E[Σ_t 1{x_t = id} (log q − log p)] in nats per sequence; negative where p gives the token more than q does. */
  kl: Estimate;
  /** kl's share of the sequence KL by k1; above 1 or negative where others are of the other sign; 0 where that KL is 0. */
  share: number;
  /** How often the token came. */
  count: number;
}

/**
 * The tokens that carry the KL: k1 by token id. Over all ids the values add up to k1 of the sequence. Intervals by
 * bootstrap over contexts, of these tokens one by one: that they were picked as the largest is not accounted for.
 *
 * @param contexts [context][text]
 * @param top how many tokens, the largest contributions (of either sign) first; Infinity for all
 * @throws RangeError on no texts, arrays of different lengths, or NaN
 */
export function klByToken(
  contexts: readonly (readonly KlText[])[],
  top: number,
  options: BootstrapOptions = {},
): TokenKl[] {
  if (!(top >= 1)) throw new RangeError(`klByToken: top = ${top} is not ≥ 1`);
  checkTexts(contexts, 'klByToken');
  const tokens = new Map<number, { id: number; total: number; count: number; sums: Float64Array }>();
  let total = 0;
  for (const [context, of] of contexts.entries())
    for (const { ids, logP, logQ } of of) {
      if (ids.length !== logQ.length)
        throw new RangeError(`klByToken: context ${context}: ${ids.length} ids for ${logQ.length} tokens`);
      for (let t = 0; t < ids.length; t++) {
        const id = ids[t]!;
        const value = k1(logP[t]! - logQ[t]!);
        let token = tokens.get(id);
        if (!token) {
          token = { id, total: 0, count: 0, sums: new Float64Array(contexts.length) };
          tokens.set(id, token);
        }
        token.total += value;
        token.count += 1;
        token.sums[context]! += value;
        total += value;
      }
    }
  return [...tokens.values()]
    .sort((left, right) => Math.abs(right.total) - Math.abs(left.total) || left.id - right.id)
    .slice(0, top)
    .map(({ id, count, sums, total: sum }) => ({
      id,
      kl: ratioEstimate(
        contexts.map((of, i) => ({ sum: sums[i]!, weight: of.length })),
        options,
      ),
      share: total === 0 ? 0 : sum / total,
      count,
    }));
}

function checkTexts(contexts: readonly (readonly KlSample[])[], who: string): void {
  if (contexts.flat().length === 0) throw new RangeError(`${who}: no texts`);
  for (const [i, texts] of contexts.entries())
    for (const [j, text] of texts.entries()) checkText(text, `${who}: context ${i}, text ${j}`);
}
