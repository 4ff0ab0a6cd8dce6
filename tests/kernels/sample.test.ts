import { expect, it } from 'vitest';
import { sampleTokensComposed } from '../../src/engine/ops/sample-tokens.js';
import { blank, expectClose, isCuda, native, random, underEverySetting } from './harness.js';
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

  /** The tokens that uniform numbers from 0 to 1 draw. */
  const drawn = (logits: Float32Array, temperature: number, topK: number, topP: number) => {
    const B = isCuda() ? 100 : 1000;
    const V = logits.length;
    const rows = new Float32Array(B * V);
    for (let b = 0; b < B; b++) rows.set(logits, b * V);
    const uniform = Float32Array.from({ length: B }, (_, b) => b / B);
    const tokens = new Int32Array(B).fill(-1);
    native.sample(B, V, rows, temperature, topK, topP, uniform, tokens, blank(B));
    expect(tokens.every((t, b) => b === 0 || t >= tokens[b - 1]!)).toBe(true);
    return [...new Set(tokens)];
  };
  const upTo = (n: number) => Array.from({ length: n }, (_, i) => i);

  it('of equal logits top-p keeps those of lower index, top-k all', () => {
    use();
    const equal = new Float32Array(40).fill(-2.5);
    expect(drawn(equal, 1, 0, 1)).toEqual(upTo(40));
    expect(drawn(equal, 1, 0, 0.5)).toEqual(upTo(20));
    expect(drawn(equal, 1, 0, 0.51)).toEqual(upTo(21));
    expect(drawn(equal, 1, 0, 1e-9)).toEqual([0]);
    expect(drawn(equal, 1, 0, 0)).toEqual([0]);
    expect(drawn(equal, 1, 3, 1)).toEqual(upTo(40));
    expect(drawn(equal, 0, 0, 1)).toEqual([0]);
    // 1/2, then four of 1/8: the third of them begins at 3/4.
    const some = Float32Array.from([1, 1, 4, 0, 1, 1], Math.log);
    expect(drawn(some, 1, 0, isCuda() ? 0.4999 : 0.5)).toEqual([2]); // a GPU's exp(log x) may be an ulp above x
    expect(drawn(some, 1, 0, 0.7)).toEqual([0, 1, 2]);
    expect(drawn(some, 1, 0, 0.8)).toEqual([0, 1, 2, 4]);
    expect(drawn(some, 1, 0, 0.99)).toEqual([0, 1, 2, 4, 5]);
    expect(drawn(some, 1, 2, 1)).toEqual([0, 1, 2, 4, 5]);
    expect(drawn(some, 1, 1, 1)).toEqual([2]);
  });

  it('a k of the vocabulary or more keeps all; without room for doubt the best stays', () => {
    use();
    const logits = Float32Array.from({ length: 50 }, (_, i) => ((i * 7) % 50) / 50);
    for (const k of [50, 51, 1000]) expect(drawn(logits, 1, k, 1)).toEqual(upTo(50));
    expect(drawn(logits, 1, 49, 1)).toEqual(upTo(50).slice(1));
    expect(drawn(logits, 1, 1, 0.5)).toEqual([7]);
    expect(drawn(logits, 1, 0, 1e-30)).toEqual([7]);
    expect(drawn(logits, 0, 0, 1)).toEqual([7]);
    const peaked = logits.map((x) => 5000 * x);
    expect(drawn(peaked, 1, 0, 0.999)).toEqual([7]);
    expect(drawn(peaked, 1, 10, 1)).toEqual([7]);
  });

  it('never draws what has no probability', () => {
    use();
    const none = Number.NEGATIVE_INFINITY;
    for (const V of [5, 300]) {
      const logits = new Float32Array(V).fill(none);
      logits[1] = 3;
      logits[V - 2] = 3;
      for (const [topK, topP] of [
        [0, 1],
        [0, 0.9],
        [2, 1],
        [4, 0.6],
      ] as const)
        expect(drawn(logits, 1, topK, topP)).toEqual([1, V - 2]);
      expect(drawn(logits, 1, 0, 0.3)).toEqual([1]);
      expect(drawn(new Float32Array(V).fill(none), 1, 0, 0.9)).toEqual([0]); // some token, not a crash
      expect(drawn(new Float32Array(V).fill(Number.NaN), 1, 2, 0.9)).toEqual([0]);
    }
  });

  for (const V of [37, 1500, 50257])
    it(`keeps what the composed sampler keeps (V ${V})`, () => {
      use();
      const B = V > 2000 ? 6 : 20;
      const uniform = random(B, 5).map((x) => Math.min((x + 1) / 2, 0.999_99));
      for (const [scale, temperature, topK, topP] of [
        [0.01, 1, 0, 0.95],
        [10, 1, 0, 0.95],
        [3, 0.7, 50, 1],
        [3, 1.5, V - 2, 0.3],
        [3, 1, 0, 1],
      ] as const) {
        // Whole numbers of 1/64: many ties where the vocabulary is large.
        const logits = random(B * V, V, scale).map((x) => Math.round(x * 64) / 64);
        const [tokens, expected] = [new Int32Array(B), new Int32Array(B)];
        const [logprob, expectedLogprob] = [blank(B), blank(B)];
        native.sample(B, V, logits, temperature, topK, topP, uniform, tokens, logprob);
        sampleTokensComposed(
          B,
          V,
          logits,
          { temperature, topK, topP: Math.fround(topP) },
          uniform,
          expected,
          expectedLogprob,
        );
        // A number that falls on a boundary to within rounding may go to the neighbour.
        const same = tokens.filter((t, b) => t === expected[b]).length;
        expect(same).toBeGreaterThanOrEqual(V > 2000 ? B - 1 : B);
        expectClose(
          logprob.filter((_, b) => tokens[b] === expected[b]),
          expectedLogprob.filter((_, b) => tokens[b] === expected[b]),
          1e-5,
        );
      }
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
