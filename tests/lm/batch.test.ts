// From examples to rectangles of tokens: nothing lost, nothing twice, within the bound.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { consecutive, epochSteps, rectangles, toBatch, totalWeight } from '../../src/lm/batch.js';
import { holds } from '../helpers/properties.js';

const lengths = fc.array(fc.nat(300), { maxLength: 40 });
const bound = fc.integer({ min: 1, max: 2000 });
const indices = (of: readonly unknown[]) => of.map((_, i) => i);
const longest = (of: readonly number[]) => Math.max(0, ...of);

describe('rectangles', () => {
  const areaOf = (all: readonly number[], part: readonly number[]) =>
    part.length * longest(part.map((i) => all[i]!));

  test('hold every row once, within the bound but for a row that is longer', () => {
    holds(
      fc.property(lengths, bound, (all, most) => {
        const parts = rectangles(all, most);
        expect(parts.flat().toSorted((a, b) => a - b)).toEqual(indices(all));
        for (const part of parts) {
          expect(part.length).toBeGreaterThan(0);
          if (part.length > 1) expect(areaOf(all, part)).toBeLessThanOrEqual(most);
        }
      }),
      300,
    );
  });

  test('have rows of like lengths, the longest first', () => {
    holds(
      fc.property(lengths, bound, (all, most) => {
        const inOrder = rectangles(all, most)
          .flat()
          .map((i) => all[i]!);
        expect(inOrder).toEqual(all.toSorted((a, b) => b - a));
      }),
    );
  });

  test('cost no more than any other cuts of the sorted rows', () => {
    const few = fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1, maxLength: 7 });
    // A rectangle costs its padded tokens, and 192 more.
    const costOf = (all: readonly number[], parts: readonly number[][]) =>
      parts.reduce((sum, part) => sum + areaOf(all, part) + 192, 0);
    holds(
      fc.property(few, bound, (all, most) => {
        const order = indices(all).toSorted((a, b) => all[b]! - all[a]!);
        let best = Number.POSITIVE_INFINITY;
        for (let cuts = 0; cuts < 2 ** (all.length - 1); cuts++) {
          const parts: number[][] = [[]];
          order.forEach((row, at) => {
            parts.at(-1)!.push(row);
            if ((cuts >> at) & 1) parts.push([]);
          });
          const fits = parts.every((part) => part.length <= 1 || areaOf(all, part) <= most);
          if (fits && parts.every((part) => part.length > 0)) best = Math.min(best, costOf(all, parts));
        }
        expect(costOf(all, rectangles(all, most))).toBe(best);
      }),
    );
  });
});

test('consecutive parts keep the order, fill the bound, and do not pass it but for a row that is longer', () => {
  holds(
    fc.property(lengths, bound, (all, most) => {
      const parts = [...consecutive(all, (length) => length, most)];
      expect(parts.flat()).toEqual(all);
      parts.forEach((part, i) => {
        if (part.length > 1) expect(part.length * longest(part)).toBeLessThanOrEqual(most);
        const next = parts[i + 1]?.[0];
        if (next !== undefined) expect((part.length + 1) * longest([...part, next])).toBeGreaterThan(most);
      });
    }),
    300,
  );
});

describe('a batch', () => {
  test('shifts labels, pads on the right and leaves out weight 0', () => {
    const batch = toBatch([
      { ids: [5, 6, 7], weights: [1, 0, 2] },
      { ids: [8, 9], weights: [1, 1] },
    ]);
    expect(batch).toEqual({
      B: 2,
      T: 2,
      ids: Int32Array.of(5, 6, 8, 0),
      labels: Int32Array.of(-1, 7, 9, -1),
      weights: Float32Array.of(0, 2, 1, 0),
      tokens: 3,
    });
    expect(totalWeight([{ ids: [5, 6, 7], weights: [9, 0, 2] }])).toBe(2);
  });

  test('has every token that predicts another, and all of the loss weight', () => {
    const token = fc.tuple(fc.integer({ min: 1, max: 50 }), fc.constantFrom(0, 0.25, 1, 2));
    const texts = fc.array(fc.array(token, { minLength: 1, maxLength: 9 }), { minLength: 1, maxLength: 6 });
    holds(
      fc.property(texts, (all) => {
        const examples = all.map((text) => ({
          ids: text.map(([id]) => id),
          weights: text.map(([, w]) => w),
        }));
        const { B, T, ids, labels, weights, tokens } = toBatch(examples);
        expect([B, T]).toEqual([all.length, Math.max(1, ...all.map((text) => text.length - 1))]);
        expect(tokens).toBe(all.reduce((sum, text) => sum + text.length - 1, 0));
        expect(weights.reduce((a, b) => a + b, 0)).toBe(totalWeight(examples));
        all.forEach((text, b) => {
          for (let t = 0; t < T; t++) {
            const [input, [label, weight]] = [text[t]?.[0], text[t + 1] ?? [-1, 0]];
            expect(ids[b * T + t]).toBe(t < text.length - 1 ? input : 0);
            expect(labels[b * T + t]).toBe(weight > 0 ? label : -1);
            expect(weights[b * T + t]).toBe(weight);
          }
        });
      }),
    );
  });
});

describe('an epoch', () => {
  const seeds = fc.tuple(fc.nat(1000), fc.nat(20));
  test('holds every example once, in steps that are as large as asked', () => {
    const sizes = fc.oneof(
      fc.record({ tokens: fc.integer({ min: 1, max: 2000 }) }),
      fc.record({ sequences: fc.integer({ min: 1, max: 12 }) }),
    );
    holds(
      fc.property(lengths, sizes, seeds, (all, size, [seed, epoch]) => {
        const steps = epochSteps(all, size, seed, epoch);
        expect(steps.flat().toSorted((a, b) => a - b)).toEqual(indices(all));
        steps.forEach((step, i) => {
          expect(step.length).toBeGreaterThan(0);
          const next = steps[i + 1]?.[0];
          if ('sequences' in size) {
            expect(step.length).toBeLessThanOrEqual(size.sequences);
            if (next !== undefined) expect(step.length).toBe(size.sequences);
            return;
          }
          const tokens = step.reduce((sum, at) => sum + all[at]!, 0);
          if (step.length > 1) expect(tokens).toBeLessThanOrEqual(size.tokens);
          if (next !== undefined) expect(tokens + all[next]!).toBeGreaterThan(size.tokens);
        });
      }),
      200,
    );
  });

  test('has an order of its own, by its number and the seed alone', () => {
    const all = new Array<number>(40).fill(1);
    const size = { sequences: 8 };
    holds(
      fc.property(seeds, ([seed, epoch]) => {
        const steps = epochSteps(all, size, seed, epoch);
        expect(epochSteps(all, size, seed, epoch)).toEqual(steps);
        expect(epochSteps(all, size, seed, epoch + 1)).not.toEqual(steps);
        expect(epochSteps(all, size, seed + 1, epoch)).not.toEqual(steps);
      }),
    );
  });
});
