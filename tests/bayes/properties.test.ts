// What must hold of the estimators whatever the numbers are.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  bestOfNKl,
  bestOfNKlBound,
  differenceEstimate,
  type Estimate,
  effectiveSampleSize,
  estimateKl,
  expectedBestOfN,
  k1,
  k2,
  k3,
  leaveOneOutAdvantages,
  logEvidence,
  logSumExp,
  meanEstimate,
  pairAccuracy,
  passAtK,
  penalisedRewards,
  posteriorWeights,
  ratioEstimate,
  winRate,
} from '../../src/bayes/index.js';
import { holds } from '../helpers/properties.js';

/** Eighths: sums of some of them are exact, so that what is equal by the formula is equal in floating point. */
const eighth = fc.integer({ min: -80, max: 80 }).map((n) => n / 8);
/** One to four samples of each context. */
const samples = fc.array(eighth, { minLength: 1, maxLength: 4 });
const contexts = fc.array(eighth, { minLength: 1, maxLength: 12 });
/** Natural logarithms of probabilities. */
const logProbability = fc.double({ min: -50, max: 0, noNaN: true });
const nats = fc.double({ min: -300, max: 300, noNaN: true });
const fast = { resamples: 60 };
const methods = fc.constantFrom('bca' as const, 'percentile' as const);

const close = (a: number, b: number, what = '') => {
  if (a === b) return;
  expect(Math.abs(a - b), `${what} ${a} and ${b}`).toBeLessThanOrEqual(
    1e-9 * (1 + Math.abs(a) + Math.abs(b)),
  );
};
const nearly = (a: ArrayLike<number>, b: ArrayLike<number>) => {
  expect(a.length).toBe(b.length);
  for (let i = 0; i < a.length; i++) close(a[i]!, b[i]!, `${i}:`);
};
const same = (a: Estimate, b: Estimate) => {
  for (const end of ['value', 'lo', 'hi'] as const) close(a[end], b[end], end);
  expect(a.n).toBe(b.n);
};
/** The estimate of f(x), where that of x is known and f goes straight up or down. */
const moved = ({ value, lo, hi, n }: Estimate, f: (x: number) => number): Estimate => {
  const [first, last] = [f(lo), f(hi)];
  return { value: f(value), lo: Math.min(first, last), hi: Math.max(first, last), n };
};

describe('a bootstrap estimate', () => {
  it('of numbers that are shifted and scaled is shifted and scaled', () => {
    const factor = fc.constantFrom(-2, -1, 0.5, 1, 4);
    holds(
      fc.property(
        contexts,
        factor,
        fc.integer({ min: -9, max: 9 }),
        methods,
        (values, scale, shift, method) => {
          const f = (x: number) => scale * x + shift;
          const options = { ...fast, method };
          same(meanEstimate(values.map(f), options), moved(meanEstimate(values, options), f));
        },
      ),
    );
  });

  it('has the value within its interval of plain percentiles, and its ends among the numbers', () => {
    holds(
      fc.property(contexts, (values) => {
        const { lo, hi, n } = meanEstimate(values, fast);
        expect(lo).toBeLessThanOrEqual(hi);
        expect(n).toBe(values.length);
        if (n === 1) return;
        expect(lo).toBeGreaterThanOrEqual(Math.min(...values) - 1e-9);
        expect(hi).toBeLessThanOrEqual(Math.max(...values) + 1e-9);
      }),
    );
  });

  it('stays within bounds that are known', () => {
    const share = fc.integer({ min: 0, max: 8 }).map((n) => n / 8);
    holds(
      fc.property(fc.array(share, { minLength: 1, maxLength: 8 }), methods, (values, method) => {
        const { value, lo, hi } = meanEstimate(values, { ...fast, method, bounds: [0, 1] });
        for (const end of [value, lo, hi]) expect(end >= 0 && end <= 1, `${lo} ${value} ${hi}`).toBe(true);
      }),
    );
  });

  it('does not depend on the order of the contexts, nor of their samples, in its value', () => {
    const pairs = fc.array(fc.tuple(samples, samples), { minLength: 1, maxLength: 10 });
    const shuffled = pairs.chain((all) =>
      fc.tuple(fc.constant(all), fc.shuffledSubarray(all, { minLength: all.length, maxLength: all.length })),
    );
    holds(
      fc.property(shuffled, ([all, other]) => {
        const [a, b] = [all.map(([x]) => x), all.map(([, y]) => y)];
        const [c, d] = [other.map(([x]) => x.toReversed()), other.map(([, y]) => y.toReversed())];
        close(meanEstimate(a, fast).value, meanEstimate(c, fast).value);
        close(differenceEstimate(a, b, fast).value, differenceEstimate(c, d, fast).value);
        close(winRate(a, b, fast).value, winRate(c, d, fast).value);
      }),
    );
  });

  it('of a paired difference does not see what both sides of a context have in common', () => {
    const triples = fc.array(fc.tuple(eighth, eighth, eighth), { minLength: 1, maxLength: 10 });
    holds(
      fc.property(triples, (all) => {
        const [a, b] = [all.map(([x]) => x), all.map(([, y]) => y)];
        const [easier, alike] = [all.map(([x, , z]) => x + z), all.map(([, y, z]) => y + z)];
        same(differenceEstimate(easier, alike, fast), differenceEstimate(a, b, fast));
        same(
          differenceEstimate(b, a, fast),
          moved(differenceEstimate(a, b, fast), (x) => -x),
        );
      }),
    );
  });

  it('of a ratio with equal weights is the mean', () => {
    holds(
      fc.property(contexts, fc.integer({ min: 1, max: 9 }), (values, weight) => {
        const pieces = values.map((value) => ({ sum: value * weight, weight }));
        same(ratioEstimate(pieces, fast), meanEstimate(values, fast));
      }),
    );
  });
});

describe('a win rate', () => {
  // Shares of three samples are not exact: which resamples are tied must not hang on rounding.
  const sides = fc.array(fc.tuple(samples, samples), { minLength: 1, maxLength: 10 });
  it('of b against a is 1 less that of a against b', () => {
    holds(
      fc.property(sides, (all) => {
        const [a, b] = [all.map(([x]) => x), all.map(([, y]) => y)];
        same(
          winRate(b, a, fast),
          moved(winRate(a, b, fast), (x) => 1 - x),
        );
        expect(winRate(a, a, fast).value).toBeCloseTo(0.5, 12);
      }),
    );
  });

  it('sees the order of scores alone', () => {
    holds(
      fc.property(sides, (all) => {
        const [a, b] = [all.map(([x]) => x), all.map(([, y]) => y)];
        const up = (of: number[][]) => of.map((scores) => scores.map((x) => x ** 3 + 5));
        expect(winRate(up(a), up(b), fast)).toEqual(winRate(a, b, fast));
      }),
    );
  });

  it('and pair accuracy of scores turned round are 1 less what they were', () => {
    const score = fc.integer({ min: 0, max: 5 });
    const ranked = fc
      .array(fc.array(fc.tuple(score, score), { minLength: 2, maxLength: 5 }), { minLength: 1, maxLength: 6 })
      .filter((all) => all.some((of) => new Set(of.map(([, oracle]) => oracle)).size > 1));
    holds(
      fc.property(ranked, (all) => {
        const of = (sign: number) =>
          all.map((rows) => ({ ranker: rows.map(([x]) => sign * x), oracle: rows.map(([, y]) => y) }));
        same(
          pairAccuracy(of(-1), fast),
          moved(pairAccuracy(of(1), fast), (x) => 1 - x),
        );
      }),
    );
  });
});

describe('log-sum-exp', () => {
  it('is the logarithm of the sum, where that can be computed', () => {
    holds(
      fc.property(fc.array(nats, { minLength: 1, maxLength: 20 }), (values) => {
        close(logSumExp(values), Math.log(values.reduce((sum, v) => sum + Math.exp(v), 0)));
      }),
    );
  });
  it('moves with its values, and lies between the largest and that of as many of them', () => {
    const huge = fc.double({ min: -1e6, max: 1e6, noNaN: true });
    holds(
      fc.property(fc.array(huge, { minLength: 1, maxLength: 20 }), huge, (values, shift) => {
        const sum = logSumExp(values);
        const most = Math.max(...values);
        expect(sum).toBeGreaterThanOrEqual(most);
        expect(sum).toBeLessThanOrEqual(most + Math.log(values.length) + 1e-9);
        close(logSumExp(values.map((v) => v + shift)), sum + shift);
      }),
    );
  });
});

describe('posterior weights', () => {
  const input = fc.record({
    rows: fc.array(fc.record({ reward: eighth, logPrior: nats, logProposal: nats }), {
      minLength: 1,
      maxLength: 9,
    }),
    beta: fc.oneof(fc.constantFrom(0, 1, 10, Infinity), fc.double({ min: 0, max: 100, noNaN: true })),
    shifts: fc.tuple(eighth, nats, nats),
  });
  const weightsOf = (rows: { reward: number; logPrior: number; logProposal: number }[], beta: number) =>
    posteriorWeights({
      rewards: rows.map(({ reward }) => reward),
      logPrior: rows.map(({ logPrior }) => logPrior),
      logProposal: rows.map(({ logProposal }) => logProposal),
      beta,
    });

  it('sum to 1, and are worth 1 to N samples', () => {
    holds(
      fc.property(input, ({ rows, beta }) => {
        const { weights, ess } = weightsOf(rows, beta);
        close(
          weights.reduce((a, b) => a + b, 0),
          1,
        );
        expect(Math.min(...weights)).toBeGreaterThanOrEqual(0);
        expect(ess).toBeGreaterThanOrEqual(1 - 1e-9);
        expect(ess).toBeLessThanOrEqual(rows.length + 1e-9);
        close(effectiveSampleSize(weights.map((w) => 7 * w)), ess);
      }),
    );
  });

  it('do not depend on a constant in the rewards, the prior or the proposal', () => {
    holds(
      fc.property(input, ({ rows, beta, shifts: [reward, prior, proposal] }) => {
        const shifted = rows.map((row) => ({
          reward: row.reward + reward,
          logPrior: row.logPrior + prior,
          logProposal: row.logProposal + proposal,
        }));
        const [one, other] = [weightsOf(rows, beta), weightsOf(shifted, beta)];
        nearly(other.weights, one.weights);
      }),
    );
  });

  it('go with their samples, whatever the order', () => {
    holds(
      fc.property(input, ({ rows, beta }) => {
        const turned = weightsOf(rows.toReversed(), beta).weights.toReversed();
        nearly(turned, weightsOf(rows, beta).weights);
      }),
    );
  });
});

it('evidence lies between the least and the largest likelihood of the prior’s own samples', () => {
  holds(
    fc.property(fc.array(logProbability, { minLength: 1, maxLength: 12 }), (logLikelihood) => {
      const { logEvidence: value, ess } = logEvidence({ logLikelihood });
      expect(value).toBeGreaterThanOrEqual(Math.min(...logLikelihood) - 1e-9);
      expect(value).toBeLessThanOrEqual(Math.max(...logLikelihood) + 1e-9);
      close(ess, logLikelihood.length);
    }),
  );
});

describe('KL', () => {
  const subject = {
    q: 'q',
    p: 'p',
    conditional: true,
    sampling: { temperature: 1, topP: 1, topK: 0, maxNewTokens: 8, seed: 1 },
  };
  const text = fc.array(fc.tuple(logProbability, logProbability), { minLength: 1, maxLength: 8 });
  const texts = fc.array(fc.array(text, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 5 });
  const names = ['k1', 'k2', 'k3', 'k3TokenSum'] as const;

  it('of a model from itself is 0 by every estimator, to the bit', () => {
    holds(
      fc.property(texts, (all) => {
        const own = all.map((of) =>
          of.map((tokens) => {
            const logs = tokens.map(([q]) => q);
            return { logQ: logs, logP: logs, exact: logs.map(() => 0) };
          }),
        );
        const estimate = estimateKl(own, subject, fast);
        for (const name of [...names, 'raoBlackwell'] as const) {
          expect(Math.abs(estimate[name]!.value), name).toBe(0);
          expect(Math.abs(estimate.perToken[name]!.value), name).toBe(0);
        }
      }),
    );
  });

  it('by k2 and k3 is never negative, by k1 turns its sign with the models', () => {
    holds(
      fc.property(texts, (all) => {
        const of = ([q, p]: [0 | 1, 0 | 1]) =>
          estimateKl(
            all.map((some) =>
              some.map((tokens) => ({ logQ: tokens.map((t) => t[q]), logP: tokens.map((t) => t[p]) })),
            ),
            subject,
            fast,
          );
        const [one, other] = [of([0, 1]), of([1, 0])];
        for (const name of ['k2', 'k3', 'k3TokenSum'] as const)
          expect(one[name].value, name).toBeGreaterThanOrEqual(0);
        close(one.k1.value, -other.k1.value);
        close(one.k2.value, other.k2.value);
      }),
    );
  });

  it('of one token: k3 is above its tangent, k1 + r − 1', () => {
    holds(
      fc.property(fc.double({ min: -40, max: 40, noNaN: true }), (logRatio) => {
        expect(k3(logRatio)).toBeGreaterThanOrEqual(0);
        expect(k2(logRatio)).toBeGreaterThanOrEqual(0);
        close(k3(logRatio), Math.exp(logRatio) - 1 + k1(logRatio));
      }),
    );
  });
});

describe('best of n', () => {
  const scored = fc.array(fc.tuple(fc.integer({ min: 0, max: 6 }), eighth), { minLength: 2, maxLength: 12 });
  it('is the mean at n = 1, gets no worse with n by its own score, and moves no further than the bound', () => {
    holds(
      fc.property(scored, (all) => {
        const rewards = all.map(([reward]) => reward);
        const values = all.map(([, value]) => value);
        close(expectedBestOfN(rewards, values, 1), values.reduce((a, b) => a + b, 0) / values.length);
        for (let n = 1; n < rewards.length; n++) {
          const [now, more] = [n, n + 1].map((of) => expectedBestOfN(rewards, rewards, of));
          expect(more).toBeGreaterThanOrEqual(now! - 1e-9);
          expect(bestOfNKl(rewards, n)).toBeLessThanOrEqual(bestOfNKlBound(n) + 1e-9);
          expect(bestOfNKl(rewards, n)).toBeGreaterThanOrEqual(-1e-12);
        }
      }),
    );
  });

  it('pass@k rises with what passed and with k, from c / n to 1', () => {
    const tried = fc.integer({ min: 2, max: 30 }).chain((n) =>
      fc.record({
        n: fc.constant(n),
        c: fc.integer({ min: 0, max: n - 1 }),
        k: fc.integer({ min: 1, max: n - 1 }),
      }),
    );
    holds(
      fc.property(tried, ({ n, c, k }) => {
        const now = passAtK(n, c, k);
        expect(passAtK(n, c + 1, k)).toBeGreaterThanOrEqual(now - 1e-12);
        expect(passAtK(n, c, k + 1)).toBeGreaterThanOrEqual(now - 1e-12);
        close(passAtK(n, c, 1), c / n);
        expect(passAtK(n, c, n)).toBe(c > 0 ? 1 : 0);
      }),
    );
  });
});

it('leave-one-out advantages sum to 0, and do not depend on a constant reward', () => {
  holds(
    fc.property(fc.array(eighth, { minLength: 2, maxLength: 8 }), eighth, (rewards, shift) => {
      const advantages = leaveOneOutAdvantages(rewards);
      close(
        advantages.reduce((a, b) => a + b, 0),
        0,
      );
      nearly(leaveOneOutAdvantages(rewards.map((r) => r + shift)), advantages);
      expect(penalisedRewards(rewards, rewards, 0)).toEqual(rewards);
    }),
  );
});
