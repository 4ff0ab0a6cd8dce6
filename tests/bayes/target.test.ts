import { describe, expect, it } from 'vitest';
import { logEvidence } from '../../src/bayes/posterior.js';
import { evidenceEstimate, klFromTarget, klToTarget } from '../../src/bayes/target.js';
import { draw, expectation, logProb, tinyContext, tinyModel, tokenLogProbs, uniform } from './tiny-model.js';

const { log } = Math;

describe('a world of three outputs, by hand', () => {
  // output            a      b      c
  // prior π_0        1/2    1/4    1/4
  // likelihood L     1/4    1/2     1
  // π_0 L            1/8    1/8    1/4     Z = 1/2
  // target p*        1/4    1/4    1/2
  // policy π_θ       1/8    1/8    3/4
  // proposal q       1/4    1/2    1/4
  const prior = { a: 1 / 2, b: 1 / 4, c: 1 / 4 };
  const likelihood = { a: 1 / 4, b: 1 / 2, c: 1 };
  const policy = { a: 1 / 8, b: 1 / 8, c: 3 / 4 };
  const proposal = { a: 1 / 4, b: 1 / 2, c: 1 / 4 };
  const logs = (table: typeof prior, x: readonly ('a' | 'b' | 'c')[]) => x.map((of) => log(table[of]));

  // Samples in just the proportions of q and of π_θ, so that every mean is the expectation.
  const fromProposal = ['a', 'b', 'b', 'c'] as const;
  const fromPolicy = ['a', 'b', 'c', 'c', 'c', 'c', 'c', 'c'] as const;
  const samples = {
    logPrior: logs(prior, fromProposal),
    logProposal: logs(proposal, fromProposal),
    logPolicy: logs(policy, fromProposal),
    logLikelihood: logs(likelihood, fromProposal),
  };
  const ofPolicy = {
    logPrior: logs(prior, fromPolicy),
    logPolicy: logs(policy, fromPolicy),
    logLikelihood: logs(likelihood, fromPolicy),
  };
  // 1/4 log 2 + 1/4 log 2 + 1/2 log(2/3)
  const klFrom = log(2) - log(3) / 2;
  // 1/8 log(1/2) + 1/8 log(1/2) + 3/4 log(3/2)
  const klTo = (3 / 4) * log(3) - log(2);

  it('KL(p* ‖ π_θ), log Z and the effective sample size', () => {
    const { kl, logZ, ess } = klFromTarget(samples);
    expect(kl).toBeCloseTo(klFrom, 12); // 0.1438
    expect(logZ).toBeCloseTo(log(1 / 2), 12);
    // ω = 1/4, 1/8, 1/8, 1/2: 1/Σω² = 1/(11/32)
    expect(ess).toBeCloseTo(32 / 11, 12);
    expect(klFromTarget({ ...samples, selfNormalised: true }).kl).toBeCloseTo(klFrom, 12);
  });

  it('KL(π_θ ‖ p*) and its parts', () => {
    const { kl, klToPrior, logLikelihood } = klToTarget({ ...ofPolicy, logZ: log(1 / 2) });
    expect(kl).toBeCloseTo(klTo, 12); // 0.1308
    // 1/8 log(1/4) + 1/8 log(1/2) + 3/4 log 3
    expect(klToPrior).toBeCloseTo((3 / 4) * log(3) - (3 / 8) * log(2), 12);
    // 1/8 log(1/4) + 1/8 log(1/2)
    expect(logLikelihood).toBeCloseTo((-3 / 8) * log(2), 12);
    expect(Math.abs(klTo - klFrom)).toBeGreaterThan(0.01); // so that a mixed-up direction would show
  });

  it('the target π_0 exp(r/β)/Z with r/β = 0, log 2, 2 log 2 is the same p*, with another Z', () => {
    // exp(r/β) = 1, 2, 4 = 4 L, so Z = 2
    const logLikelihood = fromProposal.map((x) => log(4 * likelihood[x]));
    expect(klFromTarget({ ...samples, logLikelihood }).kl).toBeCloseTo(klFrom, 12);
    expect(klFromTarget({ ...samples, logLikelihood }).logZ).toBeCloseTo(log(2), 12);
    const onPolicy = fromPolicy.map((x) => log(4 * likelihood[x]));
    expect(klToTarget({ ...ofPolicy, logLikelihood: onPolicy, logZ: log(2) }).kl).toBeCloseTo(klTo, 12);
  });

  it('samples of the prior itself need no proposal', () => {
    const x = ['a', 'a', 'b', 'c'] as const;
    const { kl, logZ, ess } = klFromTarget({
      logPrior: logs(prior, x),
      logPolicy: logs(policy, x),
      logLikelihood: logs(likelihood, x),
    });
    expect(kl).toBeCloseTo(klFrom, 12);
    expect(logZ).toBeCloseTo(log(1 / 2), 12);
    expect(ess).toBeCloseTo(32 / 11, 12); // ω = 1/8, 1/8, 1/4, 1/2
  });

  it('has the documented bias, by enumeration of all that N samples can be', () => {
    // w = p*/q = 1, 1/2, 2, so χ² = 1/4 + 1/8 + 1 − 1 = 3/8; log w' = log 2, log 2, log(2/3).
    // E[w (log w' − KL)] = 1/4 log 2 + 1/8 log 2 + log(2/3) − 11/8 KL
    const first = 3 / 16 - ((3 / 8) * log(2) + log(2 / 3) - (11 / 8) * klFrom); // 0.531
    const [logA, logB, logC] = logs(proposal, ['a', 'b', 'c']) as [number, number, number];
    const biasTimesN = (n: number) => {
      const logFactorial = [0];
      for (let i = 1; i <= n; i++) logFactorial.push(logFactorial[i - 1]! + log(i));
      let expected = 0;
      for (let a = 0; a <= n; a++)
        for (let b = 0; a + b <= n; b++) {
          const c = n - a - b;
          const ways = logFactorial[n]! - logFactorial[a]! - logFactorial[b]! - logFactorial[c]!;
          const x = [...Array(a).fill('a'), ...Array(b).fill('b'), ...Array(c).fill('c')];
          const { kl } = klFromTarget({
            logPrior: logs(prior, x),
            logProposal: logs(proposal, x),
            logPolicy: logs(policy, x),
            logLikelihood: logs(likelihood, x),
          });
          expected += Math.exp(ways + a * logA + b * logB + c * logC) * kl;
        }
      return n * (expected - klFrom);
    };
    expect(first).toBeCloseTo(0.531, 3);
    expect(Math.abs(biasTimesN(15) / first - 1)).toBeLessThan(0.2);
    expect(Math.abs(biasTimesN(60) / first - 1)).toBeLessThan(0.05);
  });

  it('evidence with its standard error by the delta method', () => {
    // (π_0/q) L = 1/2, 1/4, 1/4, 1, mean 1/2; relative: 1, 1/2, 1/2, 2; squared errors 0, 1/4, 1/4, 1, over 4 · 3
    const { logEvidence: value, standardError } = logEvidence(samples);
    expect(value).toBeCloseTo(log(1 / 2), 12);
    expect(standardError).toBeCloseTo(Math.sqrt(1.5 / 12), 12);
    // π_0/q as shares: 1/2, 1/8, 1/8, 1/4; L/Ẑ − 1 = −1/2, 0, 0, 1; squares 1/16 + 1/16, times 4/3
    expect(logEvidence({ ...samples, selfNormalised: true }).standardError).toBeCloseTo(Math.sqrt(1 / 6), 12);
  });

  it('at the target itself both KL are 0, and each sample of the policy says so', () => {
    const target = { a: 1 / 4, b: 1 / 4, c: 1 / 2 };
    const logPolicy = logs(target, fromProposal);
    expect(klFromTarget({ ...samples, logPolicy }).kl).toBeCloseTo(0, 12);
    for (const x of ['a', 'b', 'c'] as const) {
      const one = {
        logPrior: logs(prior, [x]),
        logPolicy: logs(target, [x]),
        logLikelihood: logs(likelihood, [x]),
      };
      expect(klToTarget({ ...one, logZ: log(1 / 2) }).kl).toBeCloseTo(0, 12);
    }
  });

  it('one sample says how far the policy is from the proposal', () => {
    const one = { logPrior: [-3], logProposal: [-1], logPolicy: [-2.5], logLikelihood: [-0.7] };
    expect(klFromTarget(one)).toMatchObject({ ess: 1 });
    expect(klFromTarget(one).kl).toBeCloseTo(-1 - -2.5, 12);
    expect(klFromTarget({ ...one, logPolicy: [-0.5] }).kl).toBeCloseTo(-0.5, 12); // negative, not clamped
  });
});

describe('log evidence from samples', () => {
  const { prior, proposal, score } = tinyContext(2, 0.4);
  const logL = (x: readonly number[]) => log(score(x));
  const z = expectation(prior, score);

  it('lies within 2 of its own standard errors 95% of the time', () => {
    const random = uniform(52);
    const runs = 400;
    const held = { plain: 0, selfNormalised: 0 };
    for (let run = 0; run < runs; run++) {
      const x = Array.from({ length: 200 }, () => draw(proposal, random));
      const input = {
        logLikelihood: x.map(logL),
        logPrior: x.map((ids) => logProb(prior, ids)),
        logProposal: x.map((ids) => logProb(proposal, ids)),
      };
      for (const [name, selfNormalised] of [
        ['plain', false],
        ['selfNormalised', true],
      ] as const) {
        const { logEvidence: value, standardError } = logEvidence({ ...input, selfNormalised });
        if (Math.abs(value - log(z)) < 1.96 * standardError) held[name] += 1 / runs;
      }
    }
    for (const share of Object.values(held)) {
      expect(share).toBeGreaterThan(0.92);
      expect(share).toBeLessThan(0.98);
    }
  });
});

describe('what targets refuse', () => {
  const one = { logPrior: [-1], logPolicy: [-1], logLikelihood: [-1] };

  it('samples without likelihood leave the target unknown; single ones have weight 0', () => {
    expect(() => klFromTarget({ ...one, logLikelihood: [-Infinity] })).toThrow(/log Z = -Infinity/);
    expect(() => klToTarget({ ...one, logZ: -Infinity })).toThrow(/target is unknown/);
    const { kl } = klFromTarget({
      logPrior: [-1, -1],
      logPolicy: [-Infinity, -1],
      logLikelihood: [-Infinity, 0],
    });
    expect(kl).toBeCloseTo(-log(1 / 2), 12);
  });

  it('is infinite, not clamped, where one excludes what the other gives', () => {
    expect(klFromTarget({ ...one, logPolicy: [-Infinity] }).kl).toBe(Infinity);
    expect(klToTarget({ ...one, logLikelihood: [-Infinity], logZ: 0 }).kl).toBe(Infinity);
    expect(klToTarget({ ...one, logPrior: [-Infinity], logZ: 0 }).kl).toBe(Infinity);
  });

  it('wrong lengths, no samples, NaN', () => {
    expect(() => klFromTarget({ ...one, logPolicy: [] })).toThrow(
      'klFromTarget: lengths differ: logLikelihood 1, logPrior 1, logPolicy 0',
    );
    expect(() => klFromTarget({ ...one, logProposal: [1, 2] })).toThrow(/logProposal has 2 values/);
    expect(() => klFromTarget({ logPrior: [], logPolicy: [], logLikelihood: [] })).toThrow(/no samples/);
    expect(() => klFromTarget({ ...one, logPolicy: [Number.NaN] })).toThrow(/NaN/);
    expect(() => klToTarget({ ...one, logPrior: [-1, -1], logZ: 0 })).toThrow(/lengths differ/);
    expect(() => klToTarget({ ...one, logPolicy: [Number.NaN], logZ: 0 })).toThrow(/NaN/);
    expect(() => klToTarget({ ...one, logZ: Number.NaN })).toThrow(/log Z = NaN/);
  });
});

describe('mean log evidence', () => {
  it('is the mean over contexts, with each context’s own', () => {
    const contexts = [
      { logLikelihood: [log(0.2), log(0.6)] },
      { logLikelihood: [log(0.1)] },
      { logLikelihood: [log(0.9), log(0.9)] },
    ];
    const { mean, perContext } = evidenceEstimate(contexts, { seed: 3 });
    expect(perContext.map((of) => Math.exp(of.logEvidence))).toEqual(
      [0.4, 0.1, 0.9].map((v) => expect.closeTo(v, 12)),
    );
    expect(mean.value).toBeCloseTo((log(0.4) + log(0.1) + log(0.9)) / 3, 12);
    expect(mean.n).toBe(3);
    expect(mean.lo).toBeLessThan(mean.value);
    expect(mean.hi).toBeGreaterThan(mean.value);
    // One sample has no spread to judge by; equal ones none at all.
    expect(perContext[1]!.standardError).toBe(Infinity);
    expect(perContext[2]!.standardError).toBeCloseTo(0, 12);
  });

  it('refuses nonsense', () => {
    expect(() => evidenceEstimate([])).toThrow(/no contexts/);
    expect(() => evidenceEstimate([{ logLikelihood: [] }])).toThrow(/no samples/);
    expect(logEvidence({ logLikelihood: [-Infinity, -Infinity] }).standardError).toBe(Infinity);
  });
});

it('the tiny world tells sequences by their tokens', () => {
  // Guards the enumeration that all truths above rest on.
  const model = tinyModel(3, 0.4);
  expect(expectation(model, () => 1)).toBeCloseTo(1, 12);
  expect(logProb(model, [1, 2, 0])).toBeCloseTo(
    tokenLogProbs(model, [1, 2, 0]).reduce((a, b) => a + b),
    12,
  );
});
