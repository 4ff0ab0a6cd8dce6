// KL(q ‖ p) from samples of q. With r = p(x)/q(x) and x ~ q (Schulman 2020, "Approximating KL divergence"):
//
//   k1 = −log r            unbiased; single values may be negative
//   k2 = ½ (log r)²        biased, low variance near p = q
//   k3 = (r − 1) − log r   unbiased where q covers p, never negative
//
// A sequence has two k3. On the whole sequence's log-ratio (`k3`), r is a product of many token ratios. Its variance is
// χ²(p‖q), huge for long texts and infinite where q's tail is too thin; then the mean of any affordable sample lies below
// the truth, and so does its interval, until a rare large r arrives and throws both far above. Summed over tokens
// (`k3TokenSum`, what RLHF libraries log), each term is an unbiased estimate of its prefix's KL with a single token's r, and
// by the chain rule the sum is an unbiased estimate of the sequence's KL.
//
// Rao–Blackwellised (`raoBlackwell`): at each prefix of a sampled text the exact KL over the whole vocabulary, summed over
// positions. Unbiased, never negative, and as a rule the lowest variance of all (Amini, Vieira & Cotterell 2025). Nothing
// is ever clamped.
import { type BootstrapOptions, describeInterval, type Estimate, ratioEstimate } from './estimate.js';

/** −log r for one log-ratio log r = log p(x) − log q(x), x ~ q, in nats. */
export function k1(logRatio: number): number {
  return -logRatio;
}

/** ½ (log r)², in nats. Biased: its expectation is not the KL unless p = q. */
export function k2(logRatio: number): number {
  return 0.5 * logRatio * logRatio;
}

/** (r − 1) − log r, in nats. Its variance may be infinite: see the head of this file before using it on sequences. */
export function k3(logRatio: number): number {
  return logRatio === Number.NEGATIVE_INFINITY ? Number.POSITIVE_INFINITY : Math.expm1(logRatio) - logRatio;
}

/** One text x ~ q, token by token, its end token included; all arrays have the completion's length, in nats. */
export interface KlSample {
  /** log q(token | prefix) under the distribution that the text was sampled from. */
  logQ: ArrayLike<number>;
  /** log p(token | prefix) under the other. */
  logP: ArrayLike<number>;
  /** Σ_v q(v | prefix) (log q − log p): the exact KL at each prefix; without it there is no `raoBlackwell`. */
  exact?: ArrayLike<number>;
}

/** How the texts were sampled: part of what a KL estimate means. */
export interface KlSampling {
  temperature: number;
  topP: number;
  topK: number;
  /** Texts are cut here, and the KL is that of the cut texts. */
  maxNewTokens: number;
  seed: number;
}

/** What is estimated: KL(q ‖ p) from samples of q, by the names that a reader knows the models by. */
export interface KlSubject {
  q: string;
  p: string;
  /** True where every text continues a prompt, and the KL is a mean over prompts. */
  conditional: boolean;
  sampling: KlSampling;
}

/** The same KL by each estimator. */
export interface KlEstimates {
  raoBlackwell?: Estimate;
  k1: Estimate;
  k2: Estimate;
  k3: Estimate;
  k3TokenSum: Estimate;
}

/** A KL estimate that says what it is. The estimators on top are in nats per sequence. */
export interface KlResult extends KlEstimates {
  /** "KL(tuned ‖ base)". */
  direction: string;
  sampledFrom: string;
  conditional: boolean;
  sampling: KlSampling;
  /** Contexts, texts and tokens that went in. */
  contexts: number;
  samples: number;
  tokens: number;
  units: 'nats per sequence; perToken: nats per token, Σ sequences / Σ tokens';
  /** How the intervals were made. */
  interval: string;
  /** Ratio of sums over all texts, not a mean of each text's ratio: long texts count by their length. */
  perToken: KlEstimates;
}

/**
 * Estimates KL(q ‖ p) from texts sampled from q, several per context or one, with intervals by bootstrap over contexts.
 * Texts count the same (the plain Monte Carlo mean); contexts with the same number of texts therefore do too.
 *
 * @param contexts [context][text]
 * @throws RangeError on no texts, arrays of different lengths, NaN, or texts that were not sampled at temperature 1 from
 *   the whole vocabulary: those are not samples of q, and the estimates would be biased, even negative
 */
export function estimateKl(
  contexts: readonly (readonly KlSample[])[],
  subject: KlSubject,
  options: BootstrapOptions = {},
): KlResult {
  const { sampling } = subject;
  if (sampling.temperature !== 1 || sampling.topP !== 1 || sampling.topK !== 0)
    throw new RangeError(
      `estimateKl: the texts are not samples of ${subject.q}: temperature ${sampling.temperature}, top-p ` +
        `${sampling.topP}, top-k ${sampling.topK}; sample at temperature 1, top-p 1, top-k 0 (off)`,
    );
  const sums = contexts.map((texts, i) =>
    texts.map((text, j) => sumText(text, `estimateKl: context ${i}, text ${j}`)),
  );
  const all = sums.flat();
  if (all.length === 0) throw new RangeError('estimateKl: no texts to estimate from');
  const exact = all.every((text) => text.exact !== undefined);

  const estimates = (weigh: (text: TextSums) => number): KlEstimates => {
    const by = (pick: (text: TextSums) => number): Estimate =>
      ratioEstimate(
        sums.map((texts) => ({ sum: total(texts.map(pick)), weight: total(texts.map(weigh)) })),
        options,
      );
    return {
      ...(exact && { raoBlackwell: by((text) => text.exact!) }),
      k1: by((text) => k1(text.logRatio)),
      k2: by((text) => k2(text.logRatio)),
      k3: by((text) => k3(text.logRatio)),
      k3TokenSum: by((text) => text.k3TokenSum),
    };
  };
  return {
    direction: `KL(${subject.q} ‖ ${subject.p})`,
    sampledFrom: subject.q,
    conditional: subject.conditional,
    sampling,
    contexts: contexts.length,
    samples: all.length,
    tokens: total(all.map((text) => text.tokens)),
    units: 'nats per sequence; perToken: nats per token, Σ sequences / Σ tokens',
    interval: describeInterval(options),
    ...estimates(() => 1),
    perToken: estimates((text) => text.tokens),
  };
}

interface TextSums {
  tokens: number;
  /** Σ_t log p − log q. */
  logRatio: number;
  k3TokenSum: number;
  exact: number | undefined;
}

function sumText(text: KlSample, where: string): TextSums {
  checkText(text, where);
  const { logP, logQ, exact } = text;
  const sums: TextSums = {
    tokens: logQ.length,
    logRatio: 0,
    k3TokenSum: 0,
    exact: exact ? 0 : undefined,
  };
  for (let t = 0; t < sums.tokens; t++) {
    const logRatio = logP[t]! - logQ[t]!;
    sums.logRatio += logRatio;
    sums.k3TokenSum += k3(logRatio);
    if (exact) sums.exact! += exact[t]!;
  }
  return sums;
}

/** @throws RangeError, with `where` in front, on an empty text, arrays of different lengths, or NaN */
export function checkText(text: KlSample, where: string): void {
  const { logP, logQ, exact } = text;
  const tokens = logQ.length;
  if (tokens === 0) throw new RangeError(`${where} is empty; a text holds its end token at least`);
  if (logP.length !== tokens || (exact && exact.length !== tokens))
    throw new RangeError(
      `${where}: lengths differ: logQ ${tokens}, logP ${logP.length}` +
        (exact ? `, exact ${exact.length}` : ''),
    );
  for (let t = 0; t < tokens; t++)
    if (!(logP[t]! - logQ[t]! < Number.POSITIVE_INFINITY) || Number.isNaN(exact?.[t] ?? 0))
      throw new RangeError(`${where} holds NaN (or a token that q gave no probability)`);
}

function total(values: readonly number[]): number {
  return values.reduce((sum, v) => sum + v, 0);
}
