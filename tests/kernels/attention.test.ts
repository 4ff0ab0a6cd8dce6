import { expect, it } from 'vitest';
import {
  blank,
  differences,
  dot,
  expectClose,
  expectGradient,
  expectSameBits,
  isCuda,
  native,
  random,
  remembered,
  underEverySetting,
} from './harness.js';
import { apart, packed } from './projected.js';
import { attention } from './reference.js';

underEverySetting('attention', (use) => {
  for (const [B, T, H, Dh] of [
    [1, 1, 1, 1],
    [2, 3, 2, 17],
    [2, 130, 3, 16],
    [1, 75, 2, 32],
    [1, 49, 1, 128],
  ] as const)
    it(`forward B ${B}, T ${T}, H ${H}, Dh ${Dh}`, () => {
      use();
      const qkv = random(B * T * 3 * H * Dh, 1, 2);
      const expected = remembered(`forward ${[B, T, H, Dh]}`, () => attention(B, T, H, Dh, qkv));
      const [y, lse] = [blank(B * T * H * Dh), blank(B * H * T)];
      native.attentionForward(B, T, H, H, Dh, ...packed(qkv, H, Dh), y, lse);
      expectClose(y, expected.y, 1e-5);
      expectClose(lse, expected.lse, 1e-5);
    });

  for (const [B, T, H, Dh, stride] of [
    [2, 5, 2, 3, 1],
    [1, 53, 1, 17, 37],
  ] as const)
    it(`backward agrees with finite differences, T ${T}`, () => {
      use();
      const D = H * Dh;
      const qkv = random(B * T * 3 * D, 2);
      const dy = random(B * T * D, 3);
      const [y, lse, dqkv] = [blank(B * T * D), blank(B * H * T), blank(B * T * 3 * D)];
      native.attentionForward(B, T, H, H, Dh, ...packed(qkv, H, Dh), y, lse);
      native.attentionBackward(B, T, H, H, Dh, ...packed(qkv, H, Dh), y, lse, dy, dqkv, dqkv, dqkv);
      const slopes = remembered(`backward ${[B, T, H, Dh]}`, () => {
        const q64 = Float64Array.from(qkv);
        return differences(q64, () => dot(attention(B, T, H, Dh, q64).y, dy), stride);
      });
      expectGradient(dqkv, slopes);
    });

  for (const [B, T, H, KV, Dh, stride] of [
    [2, 5, 4, 2, 3, 1],
    [1, 53, 3, 1, 17, 41],
    [2, 130, 6, 2, 16, 1009],
  ] as const)
    it(`of ${H} heads that share ${KV} agrees with the reference, both ways and packed or apart, T ${T}`, () => {
      use();
      const [D, E, M] = [H * Dh, KV * Dh, B * T];
      const W = D + 2 * E;
      const qkv = random(M * W, 5, 2);
      const dy = random(M * D, 6);
      const expected = remembered(`shared ${[B, T, H, KV, Dh]}`, () => attention(B, T, H, Dh, qkv, KV));
      const [y, lse, dqkv] = [blank(M * D), blank(B * H * T), blank(M * W)];
      const inputs = packed(qkv, H, Dh, KV);
      native.attentionForward(B, T, H, KV, Dh, ...inputs, y, lse);
      expectClose(y, expected.y, 1e-5);
      expectClose(lse, expected.lse, 1e-5);
      native.attentionBackward(B, T, H, KV, Dh, ...inputs, y, lse, dy, dqkv, dqkv, dqkv);
      const slopes = remembered(`shared, backward ${[B, T, H, KV, Dh]}`, () => {
        const q64 = Float64Array.from(qkv);
        return differences(q64, () => dot(attention(B, T, H, Dh, q64, KV).y, dy), stride);
      });
      expectGradient(dqkv, slopes);
      const columns = (from: number, width: number) => {
        const part = new Float32Array(M * width);
        for (let m = 0; m < M; m++) part.set(qkv.subarray(m * W + from, m * W + from + width), m * width);
        return part;
      };
      const three = apart(columns(0, D), columns(D, E), columns(D + E, E), H, Dh, KV);
      const [y3, lse3, dq, dk, dv] = [
        blank(M * D),
        blank(B * H * T),
        blank(M * D),
        blank(M * E),
        blank(M * E),
      ];
      native.attentionForward(B, T, H, KV, Dh, ...three, y3, lse3);
      native.attentionBackward(B, T, H, KV, Dh, ...three, y3, lse3, dy, dq, dk, dv);
      expectSameBits(y3, y);
      expectSameBits(lse3, lse);
      for (let m = 0; m < M; m++) {
        const row = dqkv.subarray(m * W, (m + 1) * W);
        expectSameBits(dq.subarray(m * D, (m + 1) * D), row.subarray(0, D));
        expectSameBits(dk.subarray(m * E, (m + 1) * E), row.subarray(D, D + E));
        expectSameBits(dv.subarray(m * E, (m + 1) * E), row.subarray(D + E));
      }
    });

  it('gives a position the same bits whatever follows it and stands beside it', () => {
    use();
    const [B, T, H, Dh] = [3, 90, 2, 32];
    const row = 3 * H * Dh;
    const qkv = random(B * T * row, 4);
    const all = blank(B * T * H * Dh);
    native.attentionForward(B, T, H, H, Dh, ...packed(qkv, H, Dh), all, blank(B * H * T));
    const short = 37;
    const one = blank(short * H * Dh);
    const alone = qkv.subarray(T * row, (T + short) * row);
    native.attentionForward(1, short, H, H, Dh, ...packed(alone, H, Dh), one, blank(H * short));
    const expected = all.subarray(T * H * Dh, (T + short) * H * Dh);
    // In float32 CUDA multiplies whole matrices, by a library that may cut others differently.
    if (isCuda()) expectClose(one, expected, 1e-6);
    else expectSameBits(one, expected);
  });
});

it('survives large scores', () => {
  const qkv = Float32Array.of(100, 100, 1, 100, -100, 2, 100, 100, 3);
  const y = blank(3);
  native.attentionForward(1, 3, 1, 1, 1, ...packed(qkv, 1, 1), y, blank(3));
  expectClose(y, [1, 1, 2]);
});

it('names the argument of a wrong length', () => {
  const f = (n: number) => new Float32Array(n);
  const forward = (n: number, lse: number) =>
    native.attentionForward(1, 2, 2, 2, 4, ...packed(f(n), 2, 4), f(16), f(lse));
  expect(() => forward(47, 4)).toThrow(
    new RangeError('attentionForward: v must hold 2 rows of 8 numbers, 24 apart, from 16 on, has 47'),
  );
  expect(() => forward(48, 3)).toThrow(/attentionForward: lse must have 4/);
  expect(() => native.attentionForward(1, 2, 3, 2, 4, ...packed(f(56), 3, 4, 2), f(24), f(6))).toThrow(
    /attentionForward: KV must divide H/,
  );
  const [q, k] = [f(16), f(8)];
  const backward = (dq: number, dk: number) => {
    const inputs = apart(q, k, k, 2, 4, 1);
    native.attentionBackward(1, 2, 2, 1, 4, ...inputs, q, f(4), q, f(dq), f(dk), f(8));
  };
  backward(16, 8);
  expect(() => backward(15, 8)).toThrow(/attentionBackward: dq must be like/);
  expect(() => backward(16, 7)).toThrow(/attentionBackward: dk must be like/);
});
