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
  underEverySetting,
} from './harness.js';
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
      const expected = attention(B, T, H, Dh, qkv);
      const [y, lse] = [blank(B * T * H * Dh), blank(B * H * T)];
      native.attentionForward(B, T, H, Dh, qkv, y, lse);
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
      native.attentionForward(B, T, H, Dh, qkv, y, lse);
      native.attentionBackward(B, T, H, Dh, qkv, y, lse, dy, dqkv);
      const q64 = Float64Array.from(qkv);
      expectGradient(
        dqkv,
        differences(q64, () => dot(attention(B, T, H, Dh, q64).y, dy), stride),
      );
    });

  it('gives a position the same bits whatever follows it and stands beside it', () => {
    use();
    const [B, T, H, Dh] = [3, 90, 2, 32];
    const row = 3 * H * Dh;
    const qkv = random(B * T * row, 4);
    const all = blank(B * T * H * Dh);
    native.attentionForward(B, T, H, Dh, qkv, all, blank(B * H * T));
    const short = 37;
    const one = blank(short * H * Dh);
    native.attentionForward(1, short, H, Dh, qkv.subarray(T * row, (T + short) * row), one, blank(H * short));
    const expected = all.subarray(T * H * Dh, (T + short) * H * Dh);
    // In float32 CUDA multiplies whole matrices, by a library that may cut others differently.
    if (isCuda()) expectClose(one, expected, 1e-6);
    else expectSameBits(one, expected);
  });
});

it('survives large scores', () => {
  const qkv = Float32Array.of(100, 100, 1, 100, -100, 2, 100, 100, 3);
  const y = blank(3);
  native.attentionForward(1, 3, 1, 1, qkv, y, blank(3));
  expectClose(y, [1, 1, 2]);
});

it('names the argument of a wrong length', () => {
  const f = (n: number) => new Float32Array(n);
  expect(() => native.attentionForward(1, 2, 2, 4, f(47), f(16), f(4))).toThrow(
    new RangeError('attentionForward: qkv must have 48 elements, has 47'),
  );
  expect(() => native.attentionBackward(1, 2, 2, 4, f(48), f(16), f(3), f(16), f(48))).toThrow(
    /attentionBackward: lse must have 4/,
  );
});
