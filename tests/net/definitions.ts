/**
 * The measures from their definitions in METHOD and docs/method.md, plainly and slowly, each with a standard error over
 * contexts by the normal approximation. Nothing of src/ takes part.
 */

/** A number that result.json should hold, and how much chance there is in it. */
export interface Expected {
  value: number;
  /** Contexts. */
  n: number;
  /** Standard error over contexts; NaN where one context says nothing of it. */
  se: number;
}

export const sum = (values: readonly number[]) => values.reduce((total, v) => total + v, 0);
export const mean = (values: readonly number[]) => sum(values) / values.length;

/** Mean over contexts. */
export function average(perContext: readonly number[]): Expected {
  const [n, m] = [perContext.length, mean(perContext)];
  const variance = sum(perContext.map((v) => (v - m) ** 2)) / (n - 1);
  return { value: m, n, se: Math.sqrt(variance / n) };
}

/** Σ a / Σ b over contexts; standard error by the delta method. */
export function ratio(a: readonly number[], b: readonly number[]): Expected {
  const [n, value] = [a.length, sum(a) / sum(b)];
  const residuals = a.map((v, i) => v - value * b[i]!);
  return { value, n, se: Math.sqrt((n / (n - 1)) * sum(residuals.map((r) => r * r))) / sum(b) };
}

/** 1 for a win of a over b, a half for a tie. */
export const won = (a: number, b: number) => (a === b ? 0.5 : a > b ? 1 : 0);

/** One context's texts as a ranker and an oracle see them. */
export interface Judged {
  ranker: readonly number[];
  oracle: readonly number[];
}

/** Wins of the oracle's better text by the ranker, and number of pairs that the oracle tells apart; i ≠ j, both ways round. */
function pairs(a: Judged, b: Judged): [correct: number, all: number] {
  let [correct, all] = [0, 0];
  for (const [i, better] of a.oracle.entries())
    for (const [j, worse] of b.oracle.entries())
      if (better > worse) {
        all += 1;
        correct += won(a.ranker[i]!, b.ranker[j]!);
      }
  return [correct, all];
}

/** Share of pairs within a context that the ranker orders as the oracle does; undefined where there is none. */
export function pairAccuracy(contexts: readonly Judged[]): Expected | undefined {
  const found = contexts.map((context) => pairs(context, context));
  const all = found.map(([, n]) => n);
  return sum(all) === 0
    ? undefined
    : ratio(
        found.map(([correct]) => correct),
        all,
      );
}

/**
 * The same over all pairs of all contexts: with two classes the area under the ROC curve. Its influence of a context is what its
 * pairs with all others say, twice over, as in a U-statistic of two.
 */
export function pooledAuc(contexts: readonly Judged[]): Expected | undefined {
  const n = contexts.length;
  const own = contexts.map((context) =>
    contexts.map((other) => {
      const [c1, n1] = pairs(context, other);
      const [c2, n2] = pairs(other, context);
      return [c1 + c2, n1 + n2] as const;
    }),
  );
  const correct = own.map((row) => sum(row.map(([c]) => c)));
  const all = own.map((row) => sum(row.map(([, m]) => m)));
  if (sum(all) === 0) return undefined;
  const value = sum(correct) / sum(all);
  const residuals = correct.map((c, i) => 2 * (c - value * all[i]!));
  return { value, n, se: Math.sqrt((n / (n - 1)) * sum(residuals.map((r) => r * r))) / sum(all) };
}

/** A text sampled from q, in nats by token. */
export interface Sampled {
  logprobs_q: readonly number[];
  logprobs_p: readonly number[];
  exact: readonly number[];
}

/** KL(q ‖ p) of one text by each estimator, r = p/q. */
export function klOfText({ logprobs_q, logprobs_p, exact }: Sampled) {
  const logR = logprobs_p.map((p, t) => p - logprobs_q[t]!);
  const whole = sum(logR);
  const k3 = (lr: number) => Math.exp(lr) - 1 - lr;
  return {
    raoBlackwell: sum(exact),
    k1: -whole,
    k2: whole ** 2 / 2,
    k3: k3(whole),
    k3TokenSum: sum(logR.map(k3)),
  };
}

/** One context's refinements for the posterior. */
export interface Weighed {
  rewards: readonly number[];
  logPrior: readonly number[];
  logProposal: readonly number[];
}

/** ω_i ∝ exp(β R_i) π_0(x_i) / π_ψ(x_i), Σ ω = 1. */
export function weights({ rewards, logPrior, logProposal }: Weighed, beta: number): number[] {
  const logs = rewards.map((r, i) => beta * r + logPrior[i]! - logProposal[i]!);
  const top = Math.max(...logs);
  const raw = logs.map((v) => Math.exp(v - top));
  return raw.map((v) => v / sum(raw));
}

/** 1/Σω². */
export const effectiveSamples = (of: Weighed, beta: number) => 1 / sum(weights(of, beta).map((w) => w * w));

/** log p(I=1|c), self-normalised: log Σ v R − log Σ v with v = π_0/π_ψ. */
export const evidence = (of: Weighed) => Math.log(sum(weights(of, 0).map((v, i) => v * of.rewards[i]!)));
