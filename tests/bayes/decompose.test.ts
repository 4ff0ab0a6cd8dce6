import { describe, expect, it } from 'vitest';
import { type KlText, klByPosition, klByToken } from '../../src/bayes/decompose.js';
import { estimateKl } from '../../src/bayes/kl.js';
import { draw, klSample, tinyModel, uniform } from './tiny-model.js';

const [q, p] = [tinyModel(1), tinyModel(2)];
const random = uniform(71);
const contexts = Array.from({ length: 12 }, (_, i) =>
  Array.from({ length: 1 + (i % 3) }, () => {
    const ids = draw(q, random);
    return { ...klSample(q, p, ids), ids };
  }),
);
const withoutExact = contexts.map((texts) => texts.map(({ ids, logQ, logP }) => ({ ids, logQ, logP })));
const sampling = { temperature: 1, topP: 1, topK: 0, maxNewTokens: 3, seed: 1 };
const whole = estimateKl(contexts, { q: 'q', p: 'p', conditional: true, sampling });
const sum = (values: number[]) => values.reduce((a, b) => a + b, 0);

// Two contexts of two texts and one; log q − log p by token: [0.5, −0.2], [1], [0.3, 0.3, −0.6].
const byHand = [
  [
    { ids: [7, 0], logQ: [-1, -1], logP: [-1.5, -0.8] },
    { ids: [0], logQ: [-1], logP: [-2] },
  ],
  [{ ids: [7, 7, 0], logQ: [-1, -1, -1], logP: [-1.3, -1.3, -0.4] }],
];

describe('KL by position', () => {
  it('by hand', () => {
    const { estimator, positions } = klByPosition(byHand);
    expect(estimator).toBe('k1');
    expect(positions.map(({ kl }) => kl.value)).toEqual(
      [1.8 / 3, 0.1 / 3, -0.6 / 3].map((v) => expect.closeTo(v, 12)),
    );
    expect(positions.map(({ alive }) => alive)).toEqual([1, 2 / 3, 1 / 3]);
    expect(positions.map(({ position }) => position)).toEqual([0, 1, 2]);
    // Position 2 is in the second context alone: from none of it to all of it.
    expect(positions[2]!.kl.lo).toBeCloseTo(-0.6, 12);
    expect(positions[2]!.kl.hi).toBeCloseTo(0, 12);
  });

  it.each([
    ['raoBlackwell', contexts],
    ['k1', withoutExact],
  ] as const)('by %s adds up to the sequence’s KL', (name, texts) => {
    const { estimator, positions } = klByPosition(texts, { resamples: 20 });
    expect(estimator).toBe(name);
    expect(sum(positions.map(({ kl }) => kl.value))).toBeCloseTo(whole[name]!.value, 12);
  });

  it('takes k1 where any text lacks its exact KL', () => {
    const mixed = [...contexts.slice(1), withoutExact[0]!];
    expect(klByPosition(mixed, { resamples: 20 }).estimator).toBe('k1');
  });
});

describe('KL by token', () => {
  it('by hand', () => {
    const tokens = klByToken(byHand, 2);
    // 7: 0.5 + 0.3 + 0.3 = 1.1; 0: −0.2 + 1 − 0.6 = 0.2; per text of 3.
    expect(tokens.map(({ id, count }) => [id, count])).toEqual([
      [7, 3],
      [0, 3],
    ]);
    expect(tokens[0]!.kl.value).toBeCloseTo(1.1 / 3, 12);
    expect(tokens[1]!.kl.value).toBeCloseTo(0.2 / 3, 12);
    expect(tokens[0]!.share).toBeCloseTo(1.1 / 1.3, 12);
    expect(tokens[1]!.share).toBeCloseTo(0.2 / 1.3, 12);
    // Resampling contexts: the first alone gives 0.5/2, the second 0.6/1.
    expect(tokens[0]!.kl.lo).toBeCloseTo(0.25, 12);
    expect(tokens[0]!.kl.hi).toBeCloseTo(0.6, 12);
  });

  it('adds up to the sequence’s k1, with shares that add up to 1', () => {
    const tokens = klByToken(contexts, Infinity, { resamples: 20 });
    expect(sum(tokens.map(({ kl }) => kl.value))).toBeCloseTo(whole.k1.value, 12);
    expect(sum(tokens.map(({ share }) => share))).toBeCloseTo(1, 12);
    expect(sum(tokens.map(({ count }) => count))).toBe(whole.tokens);
  });

  it('puts the largest first, whatever the sign, and keeps the top', () => {
    const texts = [[{ ids: [1, 2, 3], logQ: [-1, -1, -1], logP: [-1.1, -0.1, -1.5] }]];
    expect(klByToken(texts, Infinity).map(({ id }) => id)).toEqual([2, 3, 1]);
    expect(klByToken(texts, 1).map(({ id, kl }) => [id, kl.value])).toEqual([[2, expect.closeTo(-0.9, 12)]]);
  });

  it('has shares of 0 between equal models', () => {
    expect(klByToken([[{ ids: [4], logQ: [-1], logP: [-1] }]], 1)[0]).toMatchObject({ share: 0, count: 1 });
  });
});

it('refuse nonsense', () => {
  for (const [name, of] of [
    ['klByPosition', (texts: KlText[][]) => klByPosition(texts)],
    ['klByToken', (texts: KlText[][]) => klByToken(texts, 1)],
  ] as const) {
    expect(() => of([])).toThrow(`${name}: no texts`);
    expect(() => of([[]])).toThrow(`${name}: no texts`);
    expect(() => of([[{ ids: [], logQ: [], logP: [] }]])).toThrow(`${name}: context 0, text 0 is empty`);
    expect(() => of([[{ ids: [1], logQ: [-1], logP: [] }]])).toThrow(/lengths differ/);
    expect(() => of([[{ ids: [1], logQ: [-1], logP: [Number.NaN] }]])).toThrow(/holds NaN/);
    expect(() => of([[{ ids: [1], logQ: [-Infinity], logP: [-1] }]])).toThrow(/gave no probability/);
  }
  expect(() => klByToken([[{ ids: [1, 2], logQ: [-1], logP: [-1] }]], 1)).toThrow(/2 ids for 1 tokens/);
  expect(() => klByToken(byHand, 0)).toThrow(/top = 0/);
  expect(() => klByPosition([[{ logQ: [-1], logP: [-1], exact: [Number.NaN] }]])).toThrow(/NaN/);
});
