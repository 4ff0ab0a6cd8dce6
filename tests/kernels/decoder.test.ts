import { expect, it } from 'vitest';
import type { Activations, DecoderConfig, Native, NativeDecoder } from '../../src/engine/native.js';
import { blankHalves, expectRounded, fromHalves } from './bfloat16.js';
import {
  blank,
  cpu,
  expectClose,
  expectSameBits,
  isCuda,
  native,
  random,
  randomIds,
  underEverySetting,
} from './harness.js';
import { apart, packed } from './projected.js';

/** GPT-2's blocks. */
const gpt2 = (
  layers: number,
  heads: number,
  width: number,
  vocab: number,
  positions: number,
): DecoderConfig => ({
  ...{ layers, width, heads, kvHeads: heads, headDim: width / heads, inner: 4 * width, vocab, positions },
  ...{ norm: 0, eps: 1e-5, act: 1, transposed: false },
  ...{ frequencies: new Float64Array(0), interleaved: false, rotaryScale: 1 },
});
const config = gpt2(2, 3, 51, 70, 90);

/** Blocks that differ from GPT-2's in everything. */
const other: DecoderConfig = {
  ...{ layers: 2, width: 40, heads: 6, kvHeads: 2, headDim: 12, inner: 56, vocab: 70, positions: 90 },
  ...{ norm: 1, eps: 1e-6, act: 2, transposed: true },
  ...{ frequencies: Float64Array.from({ length: 5 }, (_, i) => 100 ** (-i / 5)) },
  ...{ interleaved: false, rotaryScale: 1.1 },
};
const isOther = (c: DecoderConfig) => c.norm === 1;

/** In the order of native.ts; null where there is none. */
function weightsFor(c: DecoderConfig): (Float32Array | null)[] {
  const { layers, width: D, vocab, positions, inner: I, heads, kvHeads, headDim } = c;
  const [ofQ, ofK] = [heads * headDim, kvHeads * headDim];
  const none = [0, 0];
  const norm = isOther(c) ? [D, 0] : [D, D];
  const linear = (from: number, to: number) => [from * to, isOther(c) ? 0 : to];
  const sizes = [vocab * D, isOther(c) ? 0 : positions * D];
  for (let i = 0; i < layers; i++) {
    sizes.push(...norm);
    if (isOther(c)) sizes.push(...none, ...linear(D, ofQ), ...linear(D, ofK), ...linear(D, ofK));
    else sizes.push(...linear(D, ofQ + 2 * ofK), ...none, ...none, ...none);
    sizes.push(...linear(ofQ, D), ...norm, ...(isOther(c) ? linear(D, I) : none));
    sizes.push(...linear(D, I), ...linear(I, D));
  }
  sizes.push(...norm, isOther(c) ? vocab * D : 0);
  return sizes.map((n, i) => (n > 0 ? random(n, i, 0.3) : null));
}

/** Logits at every position of one text, by the training pass's own functions. */
function forward(
  ids: ArrayLike<number>,
  weights: (Float32Array | null)[],
  c: DecoderConfig,
  bfloat16: boolean,
  ops: Native = isCuda() ? cpu : native, // emulated, long texts would take too long
): Float32Array[] {
  const make: (n: number) => Activations = bfloat16 ? blankHalves : blank;
  const { layers, heads: H, kvHeads: KV, headDim: Dh, inner: I, width: D, vocab: V } = c;
  const T = ids.length;
  const places = Int32Array.from({ length: T }, (_, t) => t);
  const next = weights.values();
  const weight = () => next.next().value as Float32Array | null;
  const skip = (parts: number) => {
    for (let i = 0; i < 2 * parts; i++) weight();
  };
  const wte = weight()!;
  let x = make(T * D);
  ops.embedForward(T, D, Int32Array.from(ids), places, wte, weight(), x);
  const norm = () => {
    const y = make(T * D);
    ops.normForward(c.norm, T, D, c.eps, x, weight()!, weight(), y, c.norm === 0 ? blank(T) : null, blank(T));
    return y;
  };
  const linear = (input: Activations, N: number, act: 0 | 1, residual: Activations | null) => {
    const y = make(T * N);
    const [w, bias] = [weight()!, weight()];
    ops.linearForward(T, N, input.length / T, input, w, c.transposed, bias, act, residual, y, null);
    return y;
  };
  const turned = (input: Activations, n: number) => {
    const y = make(input.length);
    ops.rotary(T, n, n, Dh, places, c.frequencies, c.interleaved, c.rotaryScale, false, input, y);
    return y;
  };
  const projected = (input: Activations) => {
    if (!isOther(c)) {
      const qkv = linear(input, (H + 2 * KV) * Dh, 0, null);
      skip(3);
      return packed(qkv, H, Dh, KV);
    }
    skip(1);
    const [q, k] = [linear(input, H * Dh, 0, null), linear(input, KV * Dh, 0, null)];
    return apart(turned(q, H), turned(k, KV), linear(input, KV * Dh, 0, null), H, Dh, KV);
  };
  const mlp = (input: Activations) => {
    if (!isOther(c)) {
      skip(1);
      return linear(input, I, 1, null);
    }
    const y = make(T * I);
    const [gate, up] = [linear(input, I, 0, null), linear(input, I, 0, null)];
    ops.gluForward(T * I, c.act, gate, up, y);
    return y;
  };
  for (let i = 0; i < layers; i++) {
    const mixed = make(T * H * Dh);
    ops.attentionForward(1, T, H, KV, Dh, ...projected(norm()), mixed, blank(H * T));
    x = linear(mixed, D, 0, x);
    x = linear(mlp(norm()), D, 0, x);
  }
  const logits = blank(T * V);
  const h = norm();
  const head = weight() ?? wte;
  if (h instanceof Float32Array) ops.gemm(T, V, D, h, false, head, true, logits, false);
  else ops.gemmBf16(T, V, D, fromHalves(h as Uint16Array), false, head, true, logits);
  return Array.from({ length: T }, (_, t) => logits.subarray(t * V, (t + 1) * V));
}

/** The same logits: to the bit on the CPU; additions in another order give others, in bfloat16 other roundings of layers. */
function expectLogits(actual: Float32Array, expected: Float32Array, bfloat16: boolean): void {
  if (!isCuda()) expectSameBits(actual, expected);
  else if (bfloat16) expectRounded(actual, expected, { inner: 4 });
  else expectClose(actual, expected, 2e-5);
}

const quarters = (weights: (Float32Array | null)[]) =>
  weights.map((w) => (w === null ? w : w.map((x) => x / 4)));

/** A step that draws greedily; its logits. */
function step(
  decoder: NativeDecoder,
  rows: ArrayLike<number>,
  previous: Int32Array | null,
  { vocab } = config,
): Float32Array {
  const R = rows.length;
  const [logits, logprob] = [blank(R * vocab), blank(R)];
  decoder.step(
    Int32Array.from(rows),
    previous,
    0,
    0,
    1,
    new Float32Array(R),
    new Int32Array(R),
    logprob,
    logits,
  );
  return logits;
}

/**
 * Opens a batch of random prompts and gives it random tokens, a row fewer every few steps, rows of different prompts
 * mixed: every row's logits must be those of a forward pass over its text.
 */
function expectForwardPass(
  decoder: NativeDecoder,
  weights: (Float32Array | null)[],
  lengths: readonly number[],
  n: number,
  maxNew: number,
  { stride = 1, dropEvery = 8, shape = config, bfloat16 = false } = {},
): void {
  const V = shape.vocab;
  const P = lengths.length;
  const T = Math.max(...lengths);
  const prompts = new Int32Array(P * T);
  lengths.forEach((L, p) => {
    prompts.set(randomIds(L, V, p), p * T);
  });
  decoder.prefill(prompts, Int32Array.from(lengths), n, maxNew);
  let live = Array.from({ length: P * n }, (_, r) => (r * stride) % (P * n));
  expect(new Set(live).size).toBe(P * n);
  const texts = Array.from({ length: P * n }, (_, r) => {
    const p = Math.floor(r / n);
    return [...prompts.subarray(p * T, p * T + lengths[p]!)];
  });
  const got: Float32Array[][] = texts.map(() => []);
  for (let s = 0; s <= maxNew; s++) {
    if (s % dropEvery === dropEvery - 1) live = live.slice(1);
    if (live.length === 0) break;
    const tokens = randomIds(live.length, V, 100 + s);
    const logits = step(decoder, live, s === 0 ? null : tokens, shape);
    live.forEach((r, i) => {
      if (s > 0) texts[r]!.push(tokens[i]!);
      got[r]!.push(logits.slice(i * V, (i + 1) * V));
    });
  }
  texts.forEach((text, r) => {
    const expected = forward(text, weights, shape, bfloat16).slice(lengths[Math.floor(r / n)]! - 1);
    expect(got[r]!.length).toBe(expected.length);
    expected.forEach((row, i) => {
      expectLogits(got[r]![i]!, row, bfloat16);
    });
  });
}

underEverySetting('decoder', (use) => {
  it('gives the logits of a forward pass over the finished texts (on the CPU to the bit)', () => {
    use();
    const weights = weightsFor(config);
    const decoder = native.createDecoder(config, weights);
    expectForwardPass(decoder, weights, [1, 17, 50, 33], 3, isCuda() ? 16 : 40, { stride: 5 });
    decoder.close();
  });

  it('does so in bfloat16', () => {
    use();
    const weights = weightsFor(config);
    const decoder = native.createDecoder(config, weights, true);
    expectForwardPass(decoder, weights, [1, 17, 50, 33], 3, isCuda() ? 16 : 40, {
      stride: 5,
      bfloat16: true,
    });
    expectForwardPass(decoder, weights, [3, 40], 1, 5, { dropEvery: 3, bfloat16: true });
    expectForwardPass(decoder, weights, [31], 33, 3, { dropEvery: 2, bfloat16: true });
    decoder.close();
  });

  it('does so for other blocks: RMS norm, rotary, shared keys, gated, no biases, a head of its own', () => {
    use();
    for (const interleaved of [false, true])
      for (const bfloat16 of [false, true]) {
        const shape = { ...other, interleaved };
        const weights = weightsFor(shape);
        const decoder = native.createDecoder(shape, weights, bfloat16);
        const options = { shape, bfloat16 };
        expectForwardPass(decoder, weights, [1, 17, 50, 33], 3, isCuda() ? 9 : 40, { ...options, stride: 5 });
        expectForwardPass(decoder, weights, [31], 33, 3, { ...options, dropEvery: 2 });
        expectForwardPass(decoder, weights, [5], 1, isCuda() ? 9 : 34, options);
        decoder.close();
      }
  });

  it('does so in one decoder for batches that grow and shrink', () => {
    use();
    const weights = weightsFor(config);
    const decoder = native.createDecoder(config, weights);
    expectForwardPass(decoder, weights, [3, 40], 1, 5, { dropEvery: 3 });
    expectForwardPass(decoder, weights, [31], 33, 3, { dropEvery: 2 }); // more rows than attend together
    expectForwardPass(decoder, weights, [80, 2, 64, 33], 2, 9);
    expectForwardPass(decoder, weights, [5], 1, 34);
    expectForwardPass(decoder, weights, new Array(9).fill(64), 1, 2); // more rows than are run together
    expectForwardPass(decoder, weights, [32], 1, 0);
    decoder.close();
  });

  it('does so for models whose products are cut along K, for any number of rows', () => {
    use();
    const shape = gpt2(1, 2, 264, 77, 12);
    const weights = quarters(weightsFor(shape));
    const decoder = native.createDecoder(shape, weights);
    for (const rows of [1, 2, 5, 9, 14, 15, 28, 33])
      expectForwardPass(decoder, weights, new Array(rows).fill(3), 1, 2, { dropEvery: 2, shape });
    decoder.close();
  });

  it('does so for each way in which products are computed, by the number of rows', () => {
    use();
    // Sums over a width that several blocks share, and outputs enough for each warp to have its own.
    const wide = { ...gpt2(1, 2, 32, 250, 6), inner: 1100 };
    const shapes = [wide, { ...config, layers: 1 }, { ...other, layers: 1 }];
    for (const shape of isCuda() ? shapes : [shapes[0]!])
      for (const bfloat16 of [false, true]) {
        const weights = shape === wide ? quarters(weightsFor(shape)) : weightsFor(shape);
        const decoder = native.createDecoder(shape, weights, bfloat16);
        for (const rows of [1, 8, 9, 16, 33, 64, 65])
          expectForwardPass(decoder, weights, new Array(rows).fill(2), 1, 2, {
            dropEvery: 2,
            shape,
            bfloat16,
          });
        decoder.close();
      }
  });

  it('does so for 512 rows, of as many prompts and of a quarter of them', () => {
    use();
    const shape = gpt2(1, 2, 16, 40, 6);
    const weights = weightsFor(shape);
    const decoder = native.createDecoder(shape, weights, true);
    for (const n of [1, 4])
      expectForwardPass(decoder, weights, new Array(512 / n).fill(2), n, 2, {
        ...{ dropEvery: 2, shape, bfloat16: true },
      });
    decoder.close();
  });

  it('gives a row the same logits beside 8 other rows and beside 63', () => {
    use();
    const shape = { ...gpt2(1, 30, 240, 300, 4), inner: 300 };
    const decoder = native.createDecoder(shape, weightsFor(shape), true);
    const drawn = (rows: number) => {
      const all = Int32Array.from({ length: rows }, (_, i) => i);
      decoder.prefill(all, new Int32Array(rows).fill(1), 1, 2);
      return [null, all, all].map((tokens) => step(decoder, all, tokens, shape));
    };
    const expected = drawn(64);
    for (const rows of [9, 16, 17, 33])
      drawn(rows).forEach((logits, s) => {
        expectSameBits(logits, expected[s]!.subarray(0, rows * shape.vocab));
      });
    decoder.close();
  });

  it('does so for heads of other widths, of many rows and of few', () => {
    use();
    for (const [heads, width] of [
      [2, 128],
      [1, 256],
    ] as const)
      for (const bfloat16 of [false, true]) {
        const shape = gpt2(2, heads, width, 67, 90);
        const weights = quarters(weightsFor(shape));
        const decoder = native.createDecoder(shape, weights, bfloat16);
        expectForwardPass(decoder, weights, [40, 2], 3, 10, { dropEvery: 2, shape, bfloat16 });
        decoder.close();
      }
  });

  it('gives the logits after a prompt to rows in any order and number', () => {
    use();
    const V = config.vocab;
    const weights = weightsFor(config);
    const prompts = randomIds(2 * 6, V, 1);
    for (const bfloat16 of [false, true]) {
      const decoder = native.createDecoder(config, weights, bfloat16);
      decoder.prefill(prompts, Int32Array.of(4, 6), 2, 1);
      const logits = step(decoder, [3, 0, 2, 3, 1], null);
      const after = [prompts.subarray(0, 4), prompts.subarray(6)].map(
        (ids) => forward(ids, weights, config, bfloat16, native).at(-1)!,
      );
      [1, 0, 1, 1, 0].forEach((p, i) => {
        expectLogits(logits.subarray(i * V, (i + 1) * V), after[p]!, bfloat16);
      });
      decoder.close();
    }
  });

  it('gives its memory back', () => {
    use();
    if (!isCuda()) return; // the CPU keeps scratch memory
    const before = native.bytes();
    for (let i = 0; i < 2; i++) {
      const decoder = native.createDecoder(config, weightsFor(config));
      decoder.prefill(randomIds(10, config.vocab, 1), Int32Array.of(5, 3), 2, 3);
      for (let s = 0; s < 3; s++) step(decoder, [1, 2], s === 0 ? null : Int32Array.of(s, s));
      expect(native.bytes()).toBeGreaterThan(before);
      decoder.close();
      expect(native.bytes()).toBe(before);
    }
  });

  it('draws the same in steps that are started before the one before them is read', () => {
    use();
    const all = Int32Array.from({ length: 12 }, (_, r) => r);
    // Rows leave, and change places.
    const steps = [
      all,
      all,
      all.slice().reverse(),
      all.filter((r) => r % 3 !== 1),
      all.filter((r) => r % 3 === 0),
    ];
    steps.push(steps[4]!, Int32Array.of(9, 3), Int32Array.of(3));
    const lengths = Int32Array.of(4, 2, 6, 1);
    for (const shape of [config, other])
      for (const bfloat16 of [false, true]) {
        const decoder = native.createDecoder(shape, weightsFor(shape), bfloat16);
        const prompts = randomIds(24, shape.vocab, 1);
        const uniform = steps.map((rows, s) => random(rows.length, s).map((x) => Math.abs(x) * 0.99));
        const [drawn, logprobs] = [
          steps.map((rows) => new Int32Array(rows.length)),
          steps.map((r) => blank(r.length)),
        ];
        decoder.prefill(prompts, lengths, 3, steps.length);
        const last = new Int32Array(all.length);
        steps.forEach((rows, s) => {
          const previous = s === 0 ? null : rows.map((r) => last[r]!);
          decoder.step(rows, previous, 0.9, 30, 0.95, uniform[s]!, drawn[s]!, logprobs[s]!);
          rows.forEach((r, i) => {
            last[r] = drawn[s]![i]!;
          });
        });
        decoder.prefill(prompts, lengths, 3, steps.length);
        const start = (s: number) => decoder.start(steps[s]!, s === 0, 0.9, 30, 0.95, uniform[s]!);
        if (isCuda()) {
          start(0);
          steps.forEach((rows, s) => {
            if (s + 1 < steps.length) start(s + 1);
            const [tokens, logprob] = [new Int32Array(rows.length), blank(rows.length)];
            decoder.read(tokens, logprob);
            expect(tokens).toEqual(drawn[s]);
            expectSameBits(logprob, logprobs[s]!);
          });
        } else expect(() => start(0)).toThrow(/do not run on their own/);
        decoder.close();
      }
  });

  it('refuses to start or read what it cannot', () => {
    use();
    if (!isCuda()) return;
    const decoder = native.createDecoder(config, weightsFor(config));
    const start = (rows: number[], first: boolean) =>
      decoder.start(Int32Array.from(rows), first, 1, 0, 1, blank(rows.length).fill(0.5));
    const read = (rows: number) => decoder.read(new Int32Array(rows), blank(rows));
    const prompts = [randomIds(6, config.vocab, 1), Int32Array.of(3, 2), 2, 2] as const;
    expect(() => start([0], true)).toThrow(RangeError);
    decoder.prefill(...prompts);
    expect(() => read(1)).toThrow(/no step has been started/);
    expect(() => start([0], false)).toThrow(/row 0 has drawn nothing in the last step/);
    expect(() => start([], true)).toThrow(/rows must not be empty/);
    expect(() => start([1, 1], true)).toThrow(/row 1 twice/);
    start([0, 1, 3], true);
    expect(() => start([0, 2], false)).toThrow(/row 2 has drawn nothing/);
    start([3, 0], false);
    expect(() => start([3], false)).toThrow(/two steps are to be read first/);
    expect(() => step(decoder, [0], null)).toThrow(/is to be read first/);
    expect(() => read(2)).toThrow(/tokens must have 3/);
    read(3);
    start([3], false);
    read(2);
    expect(() => start([3], false)).toThrow(/row 3 has all of its maxNew = 2/);
    decoder.prefill(...prompts); // what was not read is gone
    expect(() => read(1)).toThrow(/no step has been started/);
    start([1], true);
    decoder.closeBatch();
    expect(() => read(1)).toThrow(/no step has been started/);
    decoder.prefill(...prompts);
    start([2], true);
    decoder.close();
  });

  it('takes other weights, and gives the memory of a batch back', () => {
    use();
    for (const shape of [config, other])
      for (const bfloat16 of [false, true]) {
        const weights = weightsFor(shape);
        const [changed, options] = [quarters(weights), { shape, bfloat16 }];
        const decoder = native.createDecoder(shape, weights, bfloat16);
        expectForwardPass(decoder, weights, [4, 2], 2, 4, options);
        const before = native.bytes();
        decoder.closeBatch();
        expect(native.bytes()).toBeLessThan(before);
        expect(() => step(decoder, [0], null, shape)).toThrow(/step: rows \[0\]/);
        decoder.renew(changed);
        expectForwardPass(decoder, changed, [4, 2], 2, 4, options);
        decoder.renew(weights);
        expect(() => step(decoder, [0], null, shape)).toThrow(/step: rows \[0\]/);
        expectForwardPass(decoder, weights, [3, 5, 1], 3, 4, options);
        decoder.close();
      }
  });

  it('draws what sample draws from the same logits', () => {
    use();
    const V = config.vocab;
    const decoder = native.createDecoder(config, weightsFor(config));
    decoder.prefill(randomIds(10, V, 1), Int32Array.of(5, 3), 4, 6);
    let rows = Int32Array.from({ length: 8 }, (_, r) => r);
    let tokens: Int32Array | null = null;
    for (let s = 0; s < 6; s++) {
      const R = rows.length;
      const uniform = random(R, s).map((x) => Math.min((x + 1) / 2, 0.999));
      const [drawn, expected] = [new Int32Array(R), new Int32Array(R)];
      const [logprob, expectedLogprob, logits] = [blank(R), blank(R), blank(R * V)];
      decoder.step(rows, tokens, 0.8, 20, 0.9, uniform, drawn, logprob, logits);
      native.sample(R, V, logits, 0.8, 20, 0.9, uniform, expected, expectedLogprob);
      expect(drawn).toEqual(expected);
      expectSameBits(logprob, expectedLogprob);
      rows = rows.slice(1);
      tokens = drawn.slice(1);
    }
    decoder.close();
  });
});

it('can be used again and refuses what it cannot do', () => {
  const V = config.vocab;
  const weights = weightsFor(config);
  const decoder = native.createDecoder(config, weights);
  const i32 = (...x: number[]) => Int32Array.from(x);
  const f = blank;
  const call = (rows: Int32Array, previous: Int32Array | null, temperature = 1, logits = rows.length * V) => {
    const R = rows.length;
    decoder.step(rows, previous, temperature, 0, 1, new Float32Array(R), new Int32Array(R), f(R), f(logits));
  };
  expect(() => call(i32(0), i32(0))).toThrow(RangeError); // nothing open
  expect(() => call(i32(0), null)).toThrow(RangeError);
  decoder.prefill(i32(1, 2, 3), i32(3), 2, 1);
  const one = step(decoder, [1], null);
  decoder.prefill(i32(1, 2, 3), i32(3), 2, 1);
  expectSameBits(step(decoder, [0], null), one);
  call(i32(), i32());
  expect(() => call(i32(2), i32(0))).toThrow(new RangeError('step: rows [0] = 2 is not in [0, 2)'));
  expect(() => call(i32(1, 1), i32(0, 0))).toThrow(/step: rows has row 1 twice/);
  expect(() => call(i32(1), i32(V))).toThrow(/step: previous \[0\]/);
  expect(() => call(i32(1), i32(0, 0))).toThrow(/step: previous must have 1/);
  expect(() => call(i32(1), i32(0), 1, V + 1)).toThrow(/step: logits must have/);
  expect(() => call(i32(1), i32(0), -1)).toThrow(/step: temperature/);
  call(i32(1), i32(0));
  expect(() => call(i32(1), i32(0))).toThrow(/row 1 has all of its maxNew = 1/);
  expect(() => decoder.prefill(i32(1, 2), i32(3), 1, 1)).toThrow(/prefill: lengths \[0\]/);
  expect(() => decoder.prefill(i32(1, V), i32(2), 1, 1)).toThrow(/prefill: prompts \[1\]/);
  expect(() => decoder.prefill(i32(1, 2), i32(2), 1, 89)).toThrow(/prefill: maxNew = 89 .* 90 positions/);
  decoder.close();
  decoder.close();
  expect(() => call(i32(0), i32(0))).toThrow(/closed/);
  const refuse = (at: number, w: Float32Array | null, message: string, c = config) => {
    const changed = weights.map((old, i) => (i === at ? w : old));
    expect(() => native.createDecoder(c, changed)).toThrow(new RangeError(`createDecoder: ${message}`));
  };
  refuse(5, blank(3), 'weights [5] must have 153 elements, has 3');
  refuse(4, null, 'weights [6] must be there'); // neither packed nor apart
  refuse(16, blank(51 * 204), 'weights must have a gate in all layers, or in none');
  refuse(-1, null, 'config .heads must be a multiple of kvHeads', { ...config, kvHeads: 2 });
  refuse(-1, null, 'config .act must be 1 without gates', { ...config, act: 2 });
  const renewed = native.createDecoder(config, weights);
  expect(() => renewed.renew(weights.with(5, blank(3)))).toThrow(
    new RangeError('renew: weights [5] must have 153 elements, has 3'),
  );
  expect(() => renewed.renew(weights.with(1, null))).toThrow(
    new RangeError('renew: weights must be there where the decoder has them, and only there'),
  );
  renewed.close();
  expect(() => renewed.renew(weights)).toThrow(/closed/);
  expect(() => renewed.closeBatch()).toThrow(/closed/);
});
