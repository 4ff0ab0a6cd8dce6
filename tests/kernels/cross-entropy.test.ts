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
  randomIds,
  underEverySetting,
} from './harness.js';
import { crossEntropy } from './reference.js';

/** Labels with some rows left out. */
function labelsFor(M: number, V: number): Int32Array {
  return randomIds(M, V, 9).map((label, m) => (m % 5 === 3 ? -1 : label));
}

underEverySetting('cross entropy', (use) => {
  for (const [M, V, D] of [
    [1, 1, 1],
    [3, 17, 5],
    [130, 1100, 33],
    [5, 700, 300],
  ] as const)
    it(`forward [${M},${D}], V ${V}`, () => {
      use();
      const [h, w] = [random(M * D, 1), random(V * D, 2)];
      const labels = labelsFor(M, V);
      const expected = crossEntropy(M, V, D, h, w, labels);
      const [loss, lse] = [blank(M), blank(M)];
      native.crossEntropyForward(M, V, D, h, w, labels, loss, lse);
      expectClose(loss, expected.loss);
      expectClose(lse, expected.lse);
    });

  for (const [M, V, D, strideH, strideW] of [
    [7, 11, 5, 1, 1],
    [9, 1030, 3, 1, 61],
  ] as const)
    it(`backward agrees with finite differences, V ${V}`, () => {
      use();
      const [h, w, dloss] = [random(M * D, 3), random(V * D, 4), random(M, 5)];
      const labels = labelsFor(M, V);
      const [loss, lse, dh, dw] = [blank(M), blank(M), blank(M * D), blank(V * D)];
      native.crossEntropyForward(M, V, D, h, w, labels, loss, lse);
      native.crossEntropyBackward(M, V, D, h, w, labels, lse, dloss, dh, dw);
      const [h64, w64] = [Float64Array.from(h), Float64Array.from(w)];
      const total = () => dot(crossEntropy(M, V, D, h64, w64, labels).loss, dloss);
      expectGradient(dh, differences(h64, total, strideH));
      expectGradient(dw, differences(w64, total, strideW));
      const alone = blank(M * D);
      native.crossEntropyBackward(M, V, D, h, w, labels, lse, dloss, alone, null);
      expectSameBits(alone, dh);
    });

  it('adds up over more rows than one chunk', () => {
    use();
    const [M, V, D] = [4500, 17, 4];
    const [h, w] = [random(M * D, 6), random(V * D, 7)];
    const labels = labelsFor(M, V);
    const dloss = new Float32Array(M).fill(1 / M);
    const [loss, lse, dh, dw] = [blank(M), blank(M), blank(M * D), blank(V * D)];
    native.crossEntropyForward(M, V, D, h, w, labels, loss, lse);
    native.crossEntropyBackward(M, V, D, h, w, labels, lse, dloss, dh, dw);
    const half = [0, 1].map((part) => {
      const rows = labels.map((label, m) => (m >= 2250 === (part === 1) ? label : -1));
      const out = blank(V * D);
      native.crossEntropyBackward(M, V, D, h, w, rows, lse, dloss, null, out);
      return out;
    });
    expectClose(
      dw,
      dw.map((_, i) => half[0]![i]! + half[1]![i]!),
      1e-6,
    );
  });

  it('holds where logits are far apart', () => {
    use();
    const [M, V, D] = [6, 1100, 8];
    const [h, w] = [random(M * D, 11), random(V * D, 12, 30)];
    const labels = labelsFor(M, V);
    const [loss, lse] = [blank(M), blank(M)];
    native.crossEntropyForward(M, V, D, h, w, labels, loss, lse);
    expectClose(loss, crossEntropy(M, V, D, h, w, labels).loss);
  });

  it('does not depend on the batch', () => {
    use();
    const [M, V, D] = [50, 1300, 128];
    const [h, w] = [random(M * D, 8), random(V * D, 9)];
    const labels = randomIds(M, V, 10);
    const [loss, lse] = [blank(M), blank(M)];
    native.crossEntropyForward(M, V, D, h, w, labels, loss, lse);
    for (const m of [0, 13, 49]) {
      const [one, oneLse] = [blank(1), blank(1)];
      native.crossEntropyForward(
        1,
        V,
        D,
        h.subarray(m * D, (m + 1) * D),
        w,
        labels.subarray(m, m + 1),
        one,
        oneLse,
      );
      expectSameBits(one, loss.subarray(m, m + 1));
      expectSameBits(oneLse, lse.subarray(m, m + 1));
    }
  });

  it('gives zeros where no row counts', () => {
    use();
    const none = Int32Array.of(-1, -1);
    const [loss, lse, dh, dw] = [blank(2), blank(2), blank(6), blank(15)];
    native.crossEntropyForward(2, 5, 3, random(6, 1), random(15, 2), none, loss, lse);
    native.crossEntropyBackward(2, 5, 3, random(6, 1), random(15, 2), none, lse, random(2, 3), dh, dw);
    for (const out of [loss, dh, dw]) expectSameBits(out, new Float32Array(out.length));
  });
});

it('refuses wrong labels and lengths', () => {
  const f = (n: number) => new Float32Array(n);
  expect(() => native.crossEntropyForward(2, 5, 3, f(6), f(15), Int32Array.of(0, 5), f(2), f(2))).toThrow(
    new RangeError('crossEntropyForward: labels [1] = 5 is not in [-1, 5)'),
  );
  expect(() =>
    native.crossEntropyBackward(2, 5, 3, f(6), f(15), Int32Array.of(0, 1), f(2), f(3), f(6), f(15)),
  ).toThrow(/crossEntropyBackward: dloss must have 2/);
});
