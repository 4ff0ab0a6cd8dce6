import { expect, it } from 'vitest';
import { blank, expectClose, native, random, underEverySetting } from './harness.js';
import { logSumExp } from './reference.js';

/** The same in float64: filters, then the inverse CDF in token order. */
function reference(logits: Float64Array, temperature: number, topK: number, topP: number, u: number): number {
  const order = [...logits.keys()].sort((a, b) => logits[b]! - logits[a]! || a - b);
  if (temperature === 0) return order[0]!;
  const allowed = topK > 0 ? order.slice(0, topK) : order;
  const scaled = logits.map((x) => x / temperature);
  const total = logSumExp(Float64Array.from(allowed, (i) => scaled[i]!));
  const kept: number[] = [];
  let above = 0;
  for (const i of allowed) {
    if (above >= topP && topP < 1 && kept.length > 0) break;
    kept.push(i);
    above += Math.exp(scaled[i]! - total);
  }
  kept.sort((a, b) => a - b);
  let sum = 0;
  for (const i of kept) {
    sum += Math.exp(scaled[i]! - total);
    if (sum > u * above) return i;
  }
  return kept.at(-1)!;
}

underEverySetting('sample', (use) => {
  for (const V of [1, 3, 17, 1200])
    for (const [temperature, topK, topP] of [
      [1, 0, 1],
      [0, 0, 1],
      [0.7, 0, 1],
      [1, 5, 1],
      [1, 0, 0.9],
      [1.3, 40, 0.5],
      [1, 0, 0],
    ] as const)
      it(`V ${V}, temperature ${temperature}, top-k ${topK}, top-p ${topP}`, () => {
        use();
        const B = 40;
        const logits = random(B * V, 1, 4);
        const uniform = random(B, 2).map((x) => Math.min((x + 1) / 2, 0.999_999));
        const tokens = new Int32Array(B).fill(-1);
        const logprob = blank(B);
        native.sample(B, V, logits, temperature, topK, topP, uniform, tokens, logprob);
        const rows = Array.from({ length: B }, (_, b) =>
          Float64Array.from(logits.subarray(b * V, (b + 1) * V)),
        );
        expect([...tokens]).toEqual(
          rows.map((row, b) => reference(row, temperature, topK, topP, uniform[b]!)),
        );
        expectClose(
          logprob,
          rows.map((row, b) => row[tokens[b]!]! - logSumExp(row)),
          2e-6,
        );
      });

  it('keeps ties with the k-th largest logit and skips impossible tokens', () => {
    use();
    const logits = Float32Array.of(1, Number.NEGATIVE_INFINITY, 1, 0);
    const seen = new Set<number>();
    for (let i = 0; i < 100; i++) {
      const tokens = new Int32Array(1);
      native.sample(1, 4, logits, 1, 1, 1, Float32Array.of(i / 100), tokens, blank(1));
      seen.add(tokens[0]!);
    }
    expect([...seen].sort()).toEqual([0, 2]);
  });
});

it('refuses nonsense', () => {
  const f = (n: number) => new Float32Array(n);
  const call =
    (temperature: number, topK: number, topP: number, length = 4) =>
    () =>
      native.sample(2, 2, f(length), temperature, topK, topP, f(2), new Int32Array(2), f(2));
  expect(call(1, 0, 1)).not.toThrow();
  expect(call(-1, 0, 1)).toThrow(new RangeError('sample: temperature must not be negative'));
  expect(call(Number.NaN, 0, 1)).toThrow(RangeError);
  expect(call(1, -1, 1)).toThrow(/sample: topK/);
  expect(call(1, 0, 1.5)).toThrow(/sample: topP/);
  expect(call(1, 0, 1, 5)).toThrow(/sample: logits must have 4/);
});
