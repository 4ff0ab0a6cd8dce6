// The weighted cross entropy that makes its gradient in the forward pass, against the per-token one and its backward pass.
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
  randomIds,
  remembered,
  underEverySetting,
} from './harness.js';
import { crossEntropy } from './reference.js';

/** Labels and weights; of some rows one or the other says that they do not count. */
function targets(M: number, V: number, scale = 1) {
  const labels = randomIds(M, V, 9).map((label, m) => (m % 5 === 3 ? -1 : label));
  const weights = random(M, 8, scale).map((w, m) => (m % 7 === 2 ? 0 : w));
  return { labels, weights };
}

/** The same by crossEntropyForward and crossEntropyBackward. */
function perToken(
  M: number,
  V: number,
  D: number,
  h: Float32Array,
  w: Float32Array,
  labels: Int32Array,
  weights: Float32Array,
) {
  const [loss, lse, dh, dw] = [blank(M), blank(M), blank(M * D), blank(V * D)];
  native.crossEntropyForward(M, V, D, h, w, labels, loss, lse);
  native.crossEntropyBackward(M, V, D, h, w, labels, lse, weights, dh, dw);
  return { loss: loss.map((x, m) => x * weights[m]!), dh, dw };
}

underEverySetting('weighted cross entropy', (use) => {
  // 256 rows of 20,001 logits are more than are held at a time; so are 87,381 rows of 17.
  for (const [rows, V, D] of [
    [1, 1, 1],
    [3, 17, 5],
    [4, 32, 16],
    [130, 1100, 33],
    [5, 700, 300],
    [420, 20_001, 4],
    [130_000, 17, 2],
  ] as const)
    it(`agrees with the per-token one, M ${rows}, V ${V}, D ${D}`, () => {
      use();
      const M = isCuda() ? Math.min(rows, 13_000) : rows; // the emulation holds 4,096 at a time
      const [h, w] = [random(M * D, 1), random(V * D, 2)];
      const { labels, weights } = targets(M, V, M > 1000 ? 1 / M : 1);
      const expected = perToken(M, V, D, h, w, labels, weights);
      const [loss, dh, dw] = [blank(M), blank(M * D), blank(V * D)];
      native.crossEntropyLoss(M, V, D, h, w, labels, weights, loss, dh, dw);
      expectClose(loss, expected.loss);
      expectClose(dh, expected.dh);
      expectClose(dw, expected.dw, 3e-5);
      labels.forEach((label, m) => {
        if (label >= 0 && weights[m] !== 0) return;
        expect(loss[m]).toBe(0);
        expect(dh.subarray(m * D, (m + 1) * D).every((x) => x === 0)).toBe(true);
      });
    });

  for (const [M, V, D, strideH, strideW] of [
    [9, 11, 5, 1, 1],
    [9, 1030, 3, 1, 61],
  ] as const)
    it(`its gradients agree with finite differences, V ${V}`, () => {
      use();
      const [h, w] = [random(M * D, 3), random(V * D, 4)];
      const { labels, weights } = targets(M, V);
      const [loss, dh, dw] = [blank(M), blank(M * D), blank(V * D)];
      native.crossEntropyLoss(M, V, D, h, w, labels, weights, loss, dh, dw);
      const expected = remembered(`cross entropy ${[M, V, D]}`, () => {
        const [h64, w64] = [Float64Array.from(h), Float64Array.from(w)];
        const total = () => dot(crossEntropy(M, V, D, h64, w64, labels).loss, weights);
        return { loss: total(), dh: differences(h64, total, strideH), dw: differences(w64, total, strideW) };
      });
      expectClose([loss.reduce((a, b) => a + b, 0)], [expected.loss]);
      expectGradient(dh, expected.dh);
      expectGradient(dw, expected.dw);
    });

  it('keeps the digits of a small gradient where the label is all but certain', () => {
    use();
    // softmax(12, 0): p(label) − 1 = −6e-6, of which 1 − p in float32 would keep two digits.
    const [loss, dh, dw] = [blank(1), blank(1), blank(2)];
    native.crossEntropyLoss(
      1,
      2,
      1,
      Float32Array.of(1),
      Float32Array.of(12, 0),
      Int32Array.of(0),
      Float32Array.of(1),
      loss,
      dh,
      dw,
    );
    const rest = 1 / (1 + Math.exp(12));
    expect(dw[1]! / rest).toBeCloseTo(1, 4);
    // lse − own is good to half an ulp of 12.
    expect(Math.abs(dw[0]! + rest)).toBeLessThan(1e-6);
    expect(Math.abs(loss[0]! - Math.log1p(Math.exp(-12)))).toBeLessThan(1e-6);
  });

  it('gives a row the same loss and gradient whatever rows are beside it', () => {
    use();
    const [M, V, D] = [50, 1300, 128];
    const [h, w] = [random(M * D, 5), random(V * D, 6)];
    const { labels, weights } = targets(M, V);
    const [loss, dh, dw] = [blank(M), blank(M * D), blank(V * D)];
    native.crossEntropyLoss(M, V, D, h, w, labels, weights, loss, dh, dw);
    for (const m of [0, 15, 49]) {
      const [one, dhOne] = [blank(1), blank(D)];
      const row = (x: Float32Array, n: number) => x.subarray(m * n, (m + 1) * n);
      native.crossEntropyLoss(
        1,
        V,
        D,
        row(h, D),
        w,
        labels.subarray(m, m + 1),
        row(weights, 1),
        one,
        dhOne,
        dw,
      );
      expectSameBits(one, row(loss, 1));
      expectSameBits(dhOne, row(dh, D));
    }
  });

  it('gives the same by one chunk of logits and by several', () => {
    use();
    // On CUDA a chunk is of at least 128 rows, which fill it here.
    const [M, V, D, chunk] = [300, 2100, 5, 100];
    const [h, w] = [random(M * D, 5), random(V * D, 6)];
    const { labels, weights } = targets(M, V);
    const [loss, dh, dw] = [blank(M), blank(M * D), blank(V * D)];
    native.crossEntropyLoss(M, V, D, h, w, labels, weights, loss, dh, dw);
    const sum = new Float64Array(V * D);
    for (let from = 0; from < M; from += chunk) {
      const rows = (x: Float32Array, n: number) => x.subarray(from * n, (from + chunk) * n);
      const [lossPart, dhPart, dwPart] = [blank(chunk), blank(chunk * D), blank(V * D)];
      const those = labels.subarray(from, from + chunk);
      native.crossEntropyLoss(chunk, V, D, rows(h, D), w, those, rows(weights, 1), lossPart, dhPart, dwPart);
      expectClose(rows(loss, 1), lossPart);
      expectClose(rows(dh, D), dhPart);
      dwPart.forEach((x, i) => {
        sum[i]! += x;
      });
    }
    expectClose(dw, sum);
  });

  it('gives zeros where no row counts', () => {
    use();
    for (const [labels, weights] of [
      [Int32Array.of(-1, -1), Float32Array.of(1, 1)],
      [Int32Array.of(0, 4), Float32Array.of(0, 0)],
      [Int32Array.of(-1, 4), Float32Array.of(1, 0)],
    ] as const) {
      const [loss, dh, dw] = [blank(2), blank(6), blank(15)];
      native.crossEntropyLoss(2, 5, 3, random(6, 1), random(15, 2), labels, weights, loss, dh, dw);
      for (const out of [loss, dh, dw]) expectSameBits(out, new Float32Array(out.length));
    }
  });
});

it('gives the same bits for 1 and 2 threads', () => {
  const [M, V, D] = [420, 5003, 24];
  const [h, w] = [random(M * D, 1), random(V * D, 2)];
  const { labels, weights } = targets(M, V);
  for (const isa of native.availableIsas()) {
    native.setIsa(isa);
    const [one, two] = [1, 2].map((threads) => {
      native.setThreads(threads);
      const [loss, dh, dw] = [blank(M), blank(M * D), blank(V * D)];
      native.crossEntropyLoss(M, V, D, h, w, labels, weights, loss, dh, dw);
      return [loss, dh, dw];
    });
    for (const [i, out] of two!.entries()) expectSameBits(out, one![i]!);
  }
});

it('refuses wrong labels and lengths', () => {
  const f = (n: number) => new Float32Array(n);
  expect(() =>
    native.crossEntropyLoss(2, 5, 3, f(6), f(15), Int32Array.of(0, 5), f(2), f(2), f(6), f(15)),
  ).toThrow(new RangeError('crossEntropyLoss: labels [1] = 5 is not in [-1, 5)'));
  expect(() =>
    native.crossEntropyLoss(2, 5, 3, f(6), f(15), Int32Array.of(0, 1), f(3), f(2), f(6), f(15)),
  ).toThrow(/crossEntropyLoss: weights must have 2/);
});
