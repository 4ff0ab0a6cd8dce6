import { expect, it } from 'vitest';
import { blank, expectSameBits, native, random, randomIds, underEverySetting } from './harness.js';

const config = { layers: 2, heads: 3, width: 51, vocab: 70, positions: 90, eps: 1e-5 };

function weightsFor({ layers, width: D, vocab, positions }: typeof config): Float32Array[] {
  const sizes = [vocab * D, positions * D];
  for (let i = 0; i < layers; i++)
    sizes.push(D, D, 3 * D * D, 3 * D, D * D, D, D, D, 4 * D * D, 4 * D, 4 * D * D, D);
  sizes.push(D, D);
  return sizes.map((n, i) => random(n, i, 0.3));
}

/** Logits at every position of one text, by the training pass's own functions. */
function forward(ids: ArrayLike<number>, weights: Float32Array[]): Float32Array[] {
  const { layers, heads: H, width: D, vocab: V, eps } = config;
  const T = ids.length;
  const next = weights.values();
  const weight = () => next.next().value!;
  const wte = weight();
  let x = blank(T * D);
  native.embedForward(
    T,
    D,
    Int32Array.from(ids),
    Int32Array.from({ length: T }, (_, t) => t),
    wte,
    weight(),
    x,
  );
  const norm = () => {
    const y = blank(T * D);
    native.normForward(0, T, D, eps, x, weight(), weight(), y, blank(T), blank(T));
    return y;
  };
  const linear = (input: Float32Array, N: number, act: 0 | 1, residual: Float32Array | null) => {
    const y = blank(T * N);
    native.linearForward(T, N, input.length / T, input, weight(), false, weight(), act, residual, y, null);
    return y;
  };
  for (let i = 0; i < layers; i++) {
    const mixed = blank(T * D);
    native.attentionForward(1, T, H, D / H, linear(norm(), 3 * D, 0, null), mixed, blank(H * T));
    x = linear(mixed, D, 0, x);
    x = linear(linear(norm(), 4 * D, 1, null), D, 0, x);
  }
  const logits = blank(T * V);
  native.gemm(T, V, D, norm(), false, wte, true, logits, false);
  return Array.from({ length: T }, (_, t) => logits.subarray(t * V, (t + 1) * V));
}

underEverySetting('decoder', (use) => {
  it('gives the logits of a forward pass over the finished texts, to the bit', () => {
    use();
    const V = config.vocab;
    const weights = weightsFor(config);
    const decoder = native.createDecoder(config, weights);
    const [n, maxNew, T] = [3, 40, 50];
    const lengths = Int32Array.of(1, 17, 50, 33);
    const P = lengths.length;
    const prompts = new Int32Array(P * T);
    lengths.forEach((L, p) => {
      prompts.set(randomIds(L, V, p), p * T);
    });
    const first = blank(P * V);
    decoder.prefill(prompts, lengths, n, maxNew, first);

    // Rows finish one after another; the rest are asked for in an order that mixes prompts.
    let live = Array.from({ length: P * n }, (_, r) => (r * 5) % (P * n));
    const texts = Array.from({ length: P * n }, (_, r) => [
      ...prompts.subarray(Math.floor(r / n) * T, Math.floor(r / n) * T + lengths[Math.floor(r / n)]!),
    ]);
    const got: Float32Array[][] = texts.map((_, r) => {
      const p = Math.floor(r / n);
      return [first.subarray(p * V, (p + 1) * V)];
    });
    for (let s = 0; s < maxNew; s++) {
      if (s % 8 === 7) live = live.slice(1);
      const tokens = randomIds(live.length, V, 100 + s);
      const logits = blank(live.length * V);
      decoder.step(Int32Array.from(live), tokens, logits);
      live.forEach((r, i) => {
        texts[r]!.push(tokens[i]!);
        got[r]!.push(logits.slice(i * V, (i + 1) * V));
      });
    }
    decoder.close();
    texts.forEach((text, r) => {
      const expected = forward(text, weights).slice(lengths[Math.floor(r / n)]! - 1);
      expect(got[r]!.length).toBe(expected.length);
      expected.forEach((row, i) => {
        expectSameBits(got[r]![i]!, row);
      });
    });
  });
});

it('can be used again and refuses what it cannot do', () => {
  const V = config.vocab;
  const weights = weightsFor(config);
  const decoder = native.createDecoder(config, weights);
  const i32 = (...x: number[]) => Int32Array.from(x);
  expect(() => decoder.step(i32(0), i32(0), blank(V))).toThrow(RangeError); // nothing open
  const [one, again] = [blank(V), blank(V)];
  decoder.prefill(i32(1, 2, 3), i32(3), 2, 1, one);
  decoder.prefill(i32(1, 2, 3), i32(3), 2, 1, again);
  expectSameBits(again, one);
  expect(() => decoder.step(i32(2), i32(0), blank(V))).toThrow(
    new RangeError('step: rows [0] = 2 is not in [0, 2)'),
  );
  expect(() => decoder.step(i32(1, 1), i32(0, 0), blank(2 * V))).toThrow(/step: rows has row 1 twice/);
  expect(() => decoder.step(i32(1), i32(V), blank(V))).toThrow(/step: tokens \[0\]/);
  expect(() => decoder.step(i32(1), i32(0), blank(V + 1))).toThrow(/step: logits must have/);
  decoder.step(i32(1), i32(0), blank(V));
  expect(() => decoder.step(i32(1), i32(0), blank(V))).toThrow(/row 1 has all of its maxNew = 1/);
  expect(() => decoder.prefill(i32(1, 2), i32(3), 1, 1, one)).toThrow(/prefill: lengths \[0\]/);
  expect(() => decoder.prefill(i32(1, V), i32(2), 1, 1, one)).toThrow(/prefill: prompts \[1\]/);
  expect(() => decoder.prefill(i32(1, 2), i32(2), 1, 89, one)).toThrow(
    /prefill: maxNew = 89 .* 90 positions/,
  );
  decoder.close();
  decoder.close();
  expect(() => decoder.step(i32(0), i32(0), blank(V))).toThrow(/closed/);
  weights[5] = blank(3);
  expect(() => native.createDecoder(config, weights)).toThrow(
    new RangeError('createDecoder: weights [5] must have 153 elements, has 3'),
  );
});
