import { expect, it } from 'vitest';
import {
  blank,
  differences,
  dot,
  expectClose,
  expectGradient,
  expectSameBits,
  native,
  random,
  underEverySetting,
} from './harness.js';
import { kl } from './reference.js';

underEverySetting('KL', (use) => {
  for (const [M, V, Dp, Dq] of [
    [1, 1, 1, 1],
    [3, 17, 5, 9],
    [50, 1100, 33, 17],
  ] as const)
    it(`forward M ${M}, V ${V}`, () => {
      use();
      const [hp, wp, hq, wq] = [random(M * Dp, 1), random(V * Dp, 2), random(M * Dq, 3), random(V * Dq, 4)];
      const [out, lseP, lseQ] = [blank(M), blank(M), blank(M)];
      native.klForward(M, V, Dp, Dq, hp, wp, hq, wq, out, lseP, lseQ);
      expectClose(out, kl(M, V, Dp, Dq, hp, wp, hq, wq), 3e-6);
    });

  it('keeps the digits of a large divergence', () => {
    use();
    const [M, V, D] = [60, 300, 6];
    const [hp, wp, hq, wq] = [
      random(M * D, 1, 3),
      random(V * D, 2, 3),
      random(M * D, 3, 3),
      random(V * D, 4, 3),
    ];
    const [out, lseP, lseQ] = [blank(M), blank(M), blank(M)];
    native.klForward(M, V, D, D, hp, wp, hq, wq, out, lseP, lseQ);
    const expected = kl(M, V, D, D, hp, wp, hq, wq);
    expect(Math.max(...expected)).toBeGreaterThan(20);
    expectClose(out, expected, 3e-6);
  });

  it('keeps the digits of a tiny divergence', () => {
    use();
    const [M, V, D] = [20, 500, 32];
    const [h, w] = [random(M * D, 5), random(V * D, 6)];
    const near = w.map((x, i) => x + 1e-3 * Math.sin(i));
    const [out, lseP, lseQ] = [blank(M), blank(M), blank(M)];
    native.klForward(M, V, D, D, h, w, h, near, out, lseP, lseQ);
    const expected = kl(M, V, D, D, h, w, h, near);
    expect(Math.max(...expected)).toBeLessThan(1e-4);
    for (let m = 0; m < M; m++)
      expect(Math.abs(out[m]! - expected[m]!)).toBeLessThan(0.02 * expected[m]! + 1e-8);
    native.klForward(M, V, D, D, h, w, h, w, out, lseP, lseQ);
    expectSameBits(out, new Float32Array(M));
  });

  it('holds where logits are far apart, on one side and between them', () => {
    use();
    const [M, V, D] = [6, 1100, 8];
    const [hp, hq] = [random(M * D, 16), random(M * D, 17)];
    const [wp, wq] = [random(V * D, 18, 30), random(V * D, 19, 10).map((x) => x + 40)];
    const [out, lseP, lseQ] = [blank(M), blank(M), blank(M)];
    native.klForward(M, V, D, D, hp, wp, hq, wq, out, lseP, lseQ);
    expectClose(out, kl(M, V, D, D, hp, wp, hq, wq), 1e-5);
  });

  // Real models have such gaps: exponentials of them are beyond float32.
  it('holds where one logit is 90 to 1,000 away from the others, in p, in q and in both', () => {
    use();
    const [M, V] = [2, 4200];
    const h = new Float32Array(M).fill(1);
    const ends = [0, V - 1];
    for (const inP of [-1000, -90, 90, 1000])
      for (const inQ of [-1000, -90, 0, 90, 1000])
        for (const [j, k] of [...ends.flatMap((j) => ends.map((k) => [j, k] as const)), [7, 9]] as const) {
          const [wp, wq] = [random(V, 20), random(V, 21)];
          wp[j]! += inP;
          wq[k]! += inQ;
          for (const all of [[h, wp, h, wq] as const, [h, wq, h, wp] as const]) {
            const [out, lseP, lseQ] = [blank(M), blank(M), blank(M)];
            native.klForward(M, V, 1, 1, ...all, out, lseP, lseQ);
            expectClose(out, kl(M, V, 1, 1, ...all), 1e-5);
            const grads = [blank(M), blank(V), blank(M), blank(V)] as const;
            native.klBackward(M, V, 1, 1, ...all, out, lseP, lseQ, h, ...grads);
            for (const grad of grads) expect(grad.every(Number.isFinite)).toBe(true);
          }
        }
  });

  it('backward agrees with finite differences', () => {
    use();
    const [M, V, Dp, Dq] = [5, 530, 3, 4];
    const all = [random(M * Dp, 7), random(V * Dp, 8), random(M * Dq, 9), random(V * Dq, 10)] as const;
    const dkl = random(M, 11);
    const [out, lseP, lseQ] = [blank(M), blank(M), blank(M)];
    native.klForward(M, V, Dp, Dq, ...all, out, lseP, lseQ);
    const grads = all.map((a) => blank(a.length)) as [Float32Array, Float32Array, Float32Array, Float32Array];
    native.klBackward(M, V, Dp, Dq, ...all, out, lseP, lseQ, dkl, ...grads);
    const wide = all.map((a) => Float64Array.from(a)) as [
      Float64Array,
      Float64Array,
      Float64Array,
      Float64Array,
    ];
    const loss = () => dot(kl(M, V, Dp, Dq, ...wide), dkl);
    grads.forEach((g, i) => {
      expectGradient(g, differences(wide[i]!, loss, i % 2 === 0 ? 3 : 97));
    });
    const alone = blank(M * Dq);
    native.klBackward(M, V, Dp, Dq, ...all, out, lseP, lseQ, dkl, null, null, alone, null);
    expectSameBits(alone, grads[2]);
  });

  it('adds up over more rows than one chunk', () => {
    use();
    const [M, V, D] = [2100, 9, 3];
    const all = [random(M * D, 12), random(V * D, 13), random(M * D, 14), random(V * D, 15)] as const;
    const [out, lseP, lseQ] = [blank(M), blank(M), blank(M)];
    native.klForward(M, V, D, D, ...all, out, lseP, lseQ);
    const parts = [(m: number) => m < 1000, (m: number) => m >= 1000, () => true].map((keep) => {
      const dkl = new Float32Array(M).map((_, m) => (keep(m) ? 1e-3 : 0));
      const dw = blank(V * D);
      native.klBackward(M, V, D, D, ...all, out, lseP, lseQ, dkl, null, dw, null, null);
      return dw;
    });
    expectClose(
      parts[2]!,
      parts[2]!.map((_, i) => parts[0]![i]! + parts[1]![i]!),
      1e-6,
    );
  });
});

it('names the argument of a wrong length', () => {
  const f = (n: number) => new Float32Array(n);
  expect(() => native.klForward(2, 3, 4, 5, f(8), f(12), f(10), f(14), f(2), f(2), f(2))).toThrow(
    new RangeError('klForward: wq must have 15 elements, has 14'),
  );
  expect(() =>
    native.klBackward(1, 1, 1, 1, f(1), f(1), f(1), f(1), f(1), f(1), f(1), f(1), null, f(2), null, null),
  ).toThrow(/klBackward: dwp must have 1/);
});
