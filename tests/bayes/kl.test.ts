import { describe, expect, it } from 'vitest';
import { estimateKl, type KlSample, type KlSubject, k1, k2, k3 } from '../../src/bayes/kl.js';
import { draw, exactKl, klSample, logProb, sequences, tinyModel, uniform } from './tiny-model.js';

const sampling = { temperature: 1, topP: 1, topK: 0, maxNewTokens: 3, seed: 1 };
const subject: KlSubject = { q: 'tuned', p: 'base', conditional: true, sampling };
const [q, p] = [tinyModel(1), tinyModel(2)];
const kl = exactKl(q, p);

/** E over x ~ q of a function of one text's KL estimate, by enumeration. */
function expectation(of: (text: KlSample, ids: number[]) => number): number {
  return sequences().reduce((sum, ids) => sum + Math.exp(logProb(q, ids)) * of(klSample(q, p, ids), ids), 0);
}
const one = (text: KlSample) => estimateKl([[text]], subject);

describe('KL by enumeration', () => {
  it('enumerates a distribution', () => {
    expect(expectation(() => 1)).toBeCloseTo(1, 12);
    expect(kl).toBeGreaterThan(0.1);
    expect(Math.abs(kl - exactKl(p, q))).toBeGreaterThan(0.01); // so that a mixed-up direction would show
  });

  it.each(['raoBlackwell', 'k1', 'k3', 'k3TokenSum'] as const)(
    '%s has the exact KL as its expectation',
    (name) => {
      expect(expectation((text) => one(text)[name]!.value)).toBeCloseTo(kl, 12);
    },
  );

  it('k2 is biased, by what the definition says', () => {
    const k2Mean = expectation((text) => one(text).k2.value);
    expect(k2Mean).toBeCloseTo(
      expectation((_, x) => 0.5 * (logProb(p, x) - logProb(q, x)) ** 2),
      12,
    );
    expect(Math.abs(k2Mean - kl)).toBeGreaterThan(0.01);
  });

  it('the Rao–Blackwellised estimator varies least, k3 and k3TokenSum and it are never negative', () => {
    const variance = (name: 'raoBlackwell' | 'k1' | 'k3TokenSum') =>
      expectation((text) => (one(text)[name]!.value - kl) ** 2);
    expect(variance('raoBlackwell')).toBeLessThan(variance('k3TokenSum'));
    expect(variance('raoBlackwell')).toBeLessThan(variance('k1'));
    for (const ids of sequences()) {
      const result = one(klSample(q, p, ids));
      for (const name of ['raoBlackwell', 'k3', 'k3TokenSum'] as const)
        expect(result[name]!.value).toBeGreaterThanOrEqual(0);
    }
    // Not clamped: k1 of single texts has both signs.
    const signs = new Set(sequences().map((ids) => Math.sign(one(klSample(q, p, ids)).k1.value)));
    expect(signs).toEqual(new Set([-1, 1]));
  });

  it('is zero where the models are the same', () => {
    for (const ids of sequences()) {
      const result = one(klSample(q, q, ids));
      for (const name of ['raoBlackwell', 'k1', 'k2', 'k3', 'k3TokenSum'] as const)
        expect(result[name]!.value).toBeCloseTo(0, 14);
    }
  });

  it('per token is a ratio of sums: exactly E[KL sum] / E[length] on the enumerated population', () => {
    // A population in which each text appears in proportion to q, to three digits.
    const texts = sequences().flatMap((ids) =>
      Array.from({ length: Math.round(1000 * Math.exp(logProb(q, ids))) }, () => klSample(q, p, ids)),
    );
    const result = estimateKl(
      texts.map((text) => [text]),
      subject,
      { resamples: 50 },
    );
    expect(result.perToken.k1.value).toBeCloseTo((result.k1.value * result.samples) / result.tokens, 12);
    const perToken = kl / expectation((text) => text.logQ.length);
    expect(Math.abs(result.perToken.raoBlackwell!.value - perToken)).toBeLessThan(0.01 * perToken);
  });
});

describe('KL by Monte Carlo', () => {
  it('covers the exact KL at about the stated rate, with several texts per context', () => {
    const names = ['raoBlackwell', 'k1', 'k3', 'k3TokenSum'] as const;
    const covered = { raoBlackwell: 0, k1: 0, k3: 0, k3TokenSum: 0 };
    const runs = 150;
    const random = uniform(7);
    for (let run = 0; run < runs; run++) {
      const texts = Array.from({ length: 60 }, () =>
        Array.from({ length: 3 }, () => klSample(q, p, draw(q, random))),
      );
      const result = estimateKl(texts, subject, { seed: run, resamples: 400 });
      expect(result.samples).toBe(180);
      for (const name of names) if (result[name]!.lo <= kl && kl <= result[name]!.hi) covered[name]++;
    }
    // 95% of 150 is 142.5, standard deviation 2.7.
    for (const name of names) expect(covered[name], name).toBeGreaterThanOrEqual(132);
    for (const name of names) expect(covered[name], name).toBeLessThan(runs);
  });
});

describe('what a KL result says', () => {
  const text = klSample(q, p, [1, 2, 0]);
  it('states direction, sampling, units, counts and interval', () => {
    expect(estimateKl([[text, text], [text]], subject, { seed: 3 })).toMatchObject({
      direction: 'KL(tuned ‖ base)',
      sampledFrom: 'tuned',
      conditional: true,
      sampling,
      contexts: 2,
      samples: 3,
      tokens: 9,
      interval: '95% BCa bootstrap over contexts, 2000 resamples, seed 3',
    });
  });
  it('leaves out what it cannot know', () => {
    const { exact: _, ...rest } = text;
    expect(one(rest).raoBlackwell).toBeUndefined();
  });
  it('refuses samples that are not from q', () => {
    for (const wrong of [{ temperature: 0.7 }, { topP: 0.95 }, { topK: 40 }])
      expect(() => estimateKl([[text]], { ...subject, sampling: { ...sampling, ...wrong } })).toThrow(
        /not samples of tuned/,
      );
  });
  it('refuses what is not a text', () => {
    expect(() => estimateKl([], subject)).toThrow(/no texts/);
    expect(() => estimateKl([[]], subject)).toThrow(/no texts/);
    expect(() => one({ logQ: [], logP: [] })).toThrow(/context 0, text 0 is empty/);
    expect(() => one({ logQ: [-1], logP: [-1, -2] })).toThrow(/lengths differ/);
    expect(() => one({ logQ: [-1], logP: [Number.NaN] })).toThrow(/NaN/);
  });
  it('is infinite, not clamped, where p excludes a text', () => {
    const result = one({ logQ: [-1, -1], logP: [-1, Number.NEGATIVE_INFINITY] });
    expect(result.k1.value).toBe(Number.POSITIVE_INFINITY);
    expect(result.k3.value).toBe(Number.POSITIVE_INFINITY);
  });
});

describe('single values', () => {
  it('follows the formulas', () => {
    const r = 0.3;
    expect(k1(Math.log(r))).toBeCloseTo(-Math.log(r), 14);
    expect(k2(Math.log(r))).toBeCloseTo(0.5 * Math.log(r) ** 2, 14);
    expect(k3(Math.log(r))).toBeCloseTo(r - 1 - Math.log(r), 14);
  });
  it('keeps its digits near r = 1', () => {
    expect(k3(1e-6)).toBeCloseTo(5e-13, 16);
    expect(k3(-1e-6)).toBeGreaterThan(0);
  });
});
