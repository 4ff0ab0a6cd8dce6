// Every operation on activations stored as bfloat16 against itself in float32, on numbers that both can hold. Weights that
// enter a product are given rounded, as the bfloat16 product rounds them itself. See bfloat16.ts for the tolerances: where
// `inner` is given, the comment says what is rounded on the way.
import { expect, it } from 'vitest';
import type { Activations } from '../../src/engine/native.js';
import { blankHalves, expectRounded, expectSameHalves, fromHalves, rounded, toHalves } from './bfloat16.js';
import {
  blank,
  emulatingHopper,
  expectClose,
  expectSameBits,
  isCuda,
  native,
  random,
  randomIds,
  underEverySetting,
} from './harness.js';
import { packed } from './projected.js';
import { product } from './reference.js';

/** The same random numbers as float32 and as bfloat16. */
function both(length: number, seed: number, scale = 1) {
  const halves = toHalves(random(length, seed, scale));
  return { floats: fromHalves(halves), halves };
}

const absent = { floats: null, halves: null };

const weights = (length: number, seed: number, scale = 1) => rounded(random(length, seed, scale));

underEverySetting('bfloat16 linear', (use) => {
  for (const [M, N, K] of [
    [1, 3, 17],
    [17, 130, 3],
    [70, 49, 401],
    [33, 40, 1024],
  ] as const)
    for (const transW of [false, true])
      for (const act of [0, 1] as const)
        it(`forward [${M},${K}] x [${K},${N}]${transW ? ' transW' : ''}${act ? ' GELU' : ''}`, () => {
          use();
          const [x, residual] = [both(M * K, 1), both(M * N, 4)];
          // cuBLASLt adds a bias of the result's type.
          const [w, bias] = [weights(K * N, 2, 0.5), isCuda() ? weights(N, 3) : random(N, 3)];
          for (const extras of [true, false]) {
            const [b, r] = [extras ? bias : null, extras ? residual : absent];
            const [y, pre] = [blank(M * N), act && extras ? blank(M * N) : null];
            native.linearForward(M, N, K, x.floats, w, transW, b, act, r.floats, y, pre);
            const [yHalves, preHalves] = [blankHalves(M * N), pre && blankHalves(M * N)];
            native.linearForward(M, N, K, x.halves, w, transW, b, act, r.halves, yHalves, preHalves);
            expectRounded(yHalves, y);
            if (pre) expectRounded(preHalves!, pre);
          }
        });

  it('rounds its weights, not its bias', () => {
    use();
    const [M, N, K] = [5, 7, 9];
    const x = both(M * K, 5);
    const [w, bias] = [random(K * N, 6), random(N, 7, 1e-3)];
    const [y, yRounded] = [blankHalves(M * N), blankHalves(M * N)];
    native.linearForward(M, N, K, x.halves, w, false, bias, 0, null, y, null);
    native.linearForward(M, N, K, x.halves, rounded(w), false, bias, 0, null, yRounded, null);
    expectSameHalves(y, yRounded);
    const zero = new Uint16Array(M * K);
    native.linearForward(M, N, K, zero, w, false, bias, 0, null, y, null);
    expectSameHalves(y, toHalves(Float32Array.from({ length: M * N }, (_, i) => bias[i % N]!)));
  });

  for (const [M, N, K] of [
    [19, 21, 13],
    [70, 130, 64],
    [150, 33, 512],
  ] as const)
    for (const transW of [false, true])
      for (const act of [0, 1] as const)
        it(`backward [${M},${K}] x [${K},${N}]${transW ? ' transW' : ''}${act ? ' GELU' : ''}`, () => {
          use();
          const [x, dy, pre] = [both(M * K, 8), both(M * N, 9), both(M * N, 10, 2)];
          const w = weights(K * N, 11);
          const [dx, dw, dbias] = [blank(M * K), blank(K * N), blank(N)];
          const p = act ? pre : absent;
          native.linearBackward(M, N, K, x.floats, w, transW, act, p.floats, dy.floats, dx, dw, dbias);
          const [dxHalves, dwOut, dbiasOut] = [blankHalves(M * K), blank(K * N), blank(N)];
          const args = [M, N, K, x.halves, w, transW, act, p.halves, dy.halves] as const;
          native.linearBackward(...args, dxHalves, dwOut, dbiasOut);
          // GELU's gradient is rounded before it is multiplied.
          const inner = act;
          expectRounded(dxHalves, dx, { inner });
          expectRounded(dwOut, dw, { inner });
          // The bias' sums are taken before that.
          expectRounded(dbiasOut, dbias);

          const alone = blank(K * N);
          native.linearBackward(...args, null, alone, null);
          expectSameBits(alone, dwOut);
        });

  for (const K of [300, 301, 1024])
    it(`does not depend on the batch, K ${K}`, () => {
      use();
      const [M, N] = [40, 150];
      const x = both(M * K, 12).halves;
      const [w, bias] = [random(K * N, 13), random(N, 14)];
      const all = blankHalves(M * N);
      native.linearForward(M, N, K, x, w, false, bias, 1, null, all, null);
      for (const row of [0, 17, 39]) {
        const one = blankHalves(N);
        native.linearForward(1, N, K, x.subarray(row * K, (row + 1) * K), w, false, bias, 1, null, one, null);
        expectSameHalves(one, all.subarray(row * N, (row + 1) * N));
      }
    });
});

underEverySetting('bfloat16 norm', (use) => {
  for (const kind of [0, 1] as const)
    for (const [M, D] of [
      [3, 17],
      [300, 130],
      [70, 768],
      [3, 2304],
    ] as const)
      it(`forward and backward, kind ${kind}, [${M},${D}]`, () => {
        use();
        const [x, dy, residual] = [both(M * D, 1, 3), both(M * D, 2), both(M * D, 5)];
        const [gamma, beta] = [random(D, 3), kind === 0 ? random(D, 4) : null];
        const results = (['floats', 'halves'] as const).map((type) => {
          const out = (n: number) => (type === 'floats' ? blank(n) : blankHalves(n));
          const [y, dx, dxOfBoth] = [out(M * D), out(M * D), out(M * D)];
          const [mean, rstd] = [kind === 0 ? blank(M) : null, blank(M)];
          const [dgamma, dbeta] = [blank(D), beta && blank(D)];
          native.normForward(kind, M, D, 1e-5, x[type], gamma, beta, y, mean, rstd);
          native.normBackward(kind, M, D, x[type], gamma, mean, rstd, dy[type], null, dx, dgamma, dbeta);
          const from = [kind, M, D, x[type], gamma, mean, rstd, dy[type]] as const;
          native.normBackward(...from, residual[type], dxOfBoth, blank(D), beta && blank(D));
          return { y, dx, dxOfBoth, mean, rstd, dgamma, dbeta };
        }) as [Of<Float32Array> & Sums, Of<Uint16Array> & Sums];
        const [floats, halves] = results;
        expectRounded(halves.y, floats.y);
        expectRounded(halves.dx, floats.dx);
        // On the CPU the norm's own is rounded before the other is added.
        expectRounded(halves.dxOfBoth, floats.dxOfBoth, { inner: isCuda() ? 0 : 1 });
        // Sums in float32 of the same numbers: not a bit of difference, but a GPU's threads have as many bytes each.
        for (const sum of ['mean', 'rstd', 'dgamma', 'dbeta'] as const)
          if (floats[sum] && isCuda()) expectClose(halves[sum]!, floats[sum], 1e-5);
          else if (floats[sum]) expectSameBits(halves[sum]!, floats[sum]);
      });
});

interface Of<T> {
  y: T;
  dx: T;
  dxOfBoth: T;
}

interface Sums {
  mean: Float32Array | null;
  rstd: Float32Array;
  dgamma: Float32Array;
  dbeta: Float32Array | null;
}

const attention = (use: () => void) => {
  for (const [B, T, H, Dh, KV] of [
    [1, 1, 1, 1, 1],
    [2, 3, 2, 17, 2],
    [2, 7, 3, 8, 3],
    [2, 130, 3, 16, 3],
    [1, 300, 2, 32, 2],
    [1, 64, 2, 64, 2],
    [1, 65, 3, 64, 3],
    [1, 130, 1, 80, 1],
    [1, 49, 1, 128, 1],
    [1, 130, 2, 128, 2],
    [1, 9, 2, 136, 2],
    [2, 7, 4, 17, 2],
    [1, 130, 6, 32, 2],
    [1, 65, 2, 128, 1],
    [1, 9, 4, 136, 2],
    [1, 300, 1, 64, 1],
    [2, 260, 4, 48, 2],
    [1, 257, 2, 128, 1],
    [2, 70, 2, 44, 1],
  ] as const)
    it(`both ways, B ${B}, T ${T}, H ${H}, KV ${KV}, Dh ${Dh}`, () => {
      use();
      const [D, W] = [H * Dh, (H + 2 * KV) * Dh];
      const [qkv, dy] = [both(B * T * W, 1, 2), both(B * T * D, 2)];
      const [y, lse, dqkv] = [blank(B * T * D), blank(B * H * T), blank(B * T * W)];
      const floats = packed(qkv.floats, H, Dh, KV);
      native.attentionForward(B, T, H, KV, Dh, ...floats, y, lse);
      native.attentionBackward(B, T, H, KV, Dh, ...floats, y, lse, dy.floats, dqkv, dqkv, dqkv);
      const [yHalves, lseOut, grad] = [blankHalves(y.length), blank(lse.length), blankHalves(dqkv.length)];
      const halves = packed(qkv.halves, H, Dh, KV);
      native.attentionForward(B, T, H, KV, Dh, ...halves, yHalves, lseOut);
      // Tensor cores take the probabilities rounded.
      expectRounded(yHalves, y, { inner: isCuda() ? 1 : 0 });
      expectClose(lseOut, lse, 1e-5);
      native.attentionBackward(B, T, H, KV, Dh, ...halves, yHalves, lseOut, dy.halves, grad, grad, grad);
      // Of what the softmax' gradient is made of, Σ dy·y comes from the rounded y: a term per query and key.
      expectRounded(grad, dqkv, { inner: 1 });
    });

  for (const Dh of [64, 128])
    it(`gives a position the same bits whatever follows it and stands beside it, Dh ${Dh}`, () => {
      use();
      const [B, T, H, short] = [2, 300, 2, 170];
      const [D, row] = [H * Dh, 3 * H * Dh];
      const [{ halves }, { halves: dy }] = [both(B * T * row, 4), both(B * T * D, 5)];
      const run = (sequences: number, length: number, qkv: Uint16Array, up: Uint16Array) => {
        const [y, lse] = [blankHalves(up.length), blank(sequences * H * length)];
        const dqkv = blankHalves(qkv.length);
        const inputs = packed(qkv, H, Dh);
        native.attentionForward(sequences, length, H, H, Dh, ...inputs, y, lse);
        native.attentionBackward(sequences, length, H, H, Dh, ...inputs, y, lse, up, dqkv, dqkv, dqkv);
        return { y, dqkv };
      };
      const all = run(B, T, halves, dy);
      const one = run(1, short, halves.slice(T * row, (T + short) * row), dy.slice(T * D, (T + short) * D));
      expectSameHalves(one.y, all.y.subarray(T * D, (T + short) * D));
      // A query's gradient, too: no later key has a part in it.
      for (let t = 0; t < short; t++) {
        const expected = all.dqkv.subarray((T + t) * row, (T + t) * row + D);
        expectSameHalves(one.dqkv.subarray(t * row, t * row + D), expected);
      }
    });
};
underEverySetting('bfloat16 attention', attention);
emulatingHopper('bfloat16 attention', attention);

underEverySetting('bfloat16 rotary', (use) => {
  for (const interleaved of [false, true])
    it(`turns both ways${interleaved ? ', interleaved' : ''}`, () => {
      use();
      const [M, heads, turned, Dh] = [51, 3, 2, 38];
      const x = both(M * heads * Dh, 1);
      const positions = Int32Array.from({ length: M }, (_, m) => 3 * (m % 17) + 1);
      const frequencies = Float64Array.from({ length: 17 }, (_, i) => 10_000 ** (-i / 17));
      for (const inverse of [false, true]) {
        const [y, yHalves] = [blank(x.floats.length), blankHalves(x.floats.length)];
        const turn = (from: Activations, to: Activations) =>
          native.rotary(M, heads, turned, Dh, positions, frequencies, interleaved, 1.2, inverse, from, to);
        turn(x.floats, y);
        turn(x.halves, yHalves);
        expectRounded(yHalves, y);
      }
    });
});

underEverySetting('bfloat16 gated units', (use) => {
  for (const act of [1, 2])
    it(`act ${act}, both ways`, () => {
      use();
      const n = 40_003;
      const [gate, up, dy] = [both(n, 1, 4), both(n, 2), both(n, 3)];
      const [y, dgate, dup] = [blank(n), blank(n), blank(n)];
      const [yHalves, dgateHalves, dupHalves] = [blankHalves(n), blankHalves(n), blankHalves(n)];
      native.gluForward(n, act, gate.floats, up.floats, y);
      native.gluForward(n, act, gate.halves, up.halves, yHalves);
      expectRounded(yHalves, y);
      native.gluBackward(n, act, gate.floats, up.floats, dy.floats, dgate, dup);
      native.gluBackward(n, act, gate.halves, up.halves, dy.halves, dgateHalves, dupHalves);
      expectRounded(dgateHalves, dgate);
      expectRounded(dupHalves, dup);
    });
});

underEverySetting('bfloat16 embed', (use) => {
  it('forward rounds the sum once; backward sums in float32', () => {
    use();
    const [M, D, V, P] = [600, 130, 37, 50];
    const [ids, positions] = [randomIds(M, V, 1), randomIds(M, P, 2)];
    const [wte, wpe, dy] = [random(V * D, 3), random(P * D, 4), both(M * D, 5)];
    for (const table of [wpe, null]) {
      const [y, yHalves] = [blank(M * D), blankHalves(M * D)];
      native.embedForward(M, D, ids, positions, wte, table, y);
      native.embedForward(M, D, ids, positions, wte, table, yHalves);
      expectSameHalves(yHalves, toHalves(y));
    }
    const outs = [dy.floats, dy.halves].map((up) => {
      const [dwte, dwpe] = [blank(V * D), blank(P * D)];
      native.embedBackward(M, D, ids, positions, up, dwte, dwpe, false);
      return [dwte, dwpe] as const;
    });
    expectSameBits(outs[1]![0], outs[0]![0]);
    expectSameBits(outs[1]![1], outs[0]![1]);
  });
});

underEverySetting('rows', (use) => {
  for (const [M, D, rowsOfX] of [
    [1, 1, 1],
    [9, 17, 4],
    [600, 130, 700],
    [100, 64, 2],
  ] as const)
    it(`gathers and scatters ${M} of ${rowsOfX} rows of ${D}`, () => {
      use();
      const rows = randomIds(M, rowsOfX, 1);
      const [x, dy] = [both(rowsOfX * D, 2), both(M * D, 3)];
      const expected = Float32Array.from({ length: M * D }, (_, i) => {
        return x.floats[rows[Math.floor(i / D)]! * D + (i % D)]!;
      });
      const [y, yHalves] = [blank(M * D), blankHalves(M * D)];
      native.gatherRows(M, D, rowsOfX, rows, x.floats, y);
      expectSameBits(y, expected);
      native.gatherRows(M, D, rowsOfX, rows, x.halves, yHalves);
      expectSameHalves(yHalves, toHalves(expected));

      const sums = new Float64Array(rowsOfX * D);
      const times = new Int32Array(rowsOfX);
      rows.forEach((row, m) => {
        times[row]!++;
        for (let j = 0; j < D; j++) sums[row * D + j]! += dy.floats[m * D + j]!;
      });
      const [dx, dxHalves] = [blank(rowsOfX * D), blankHalves(rowsOfX * D)];
      native.scatterRows(M, D, rowsOfX, rows, dy.floats, dx);
      expectClose(dx, sums, 1e-6);
      native.scatterRows(M, D, rowsOfX, rows, dy.halves, dxHalves);
      // A row that is hit often is stored, and rounded, as often.
      const most = Math.max(...times);
      expect(most).toBeGreaterThan(M > 1 ? 1 : 0);
      expectRounded(dxHalves, sums, { inner: most - 1 });
      times.forEach((n, row) => {
        if (n <= 1)
          expectSameHalves(
            dxHalves.subarray(row * D, (row + 1) * D),
            toHalves(dx.subarray(row * D, (row + 1) * D)),
          );
      });
    });

  it('refuses rows out of range', () => {
    use();
    const [f, rows] = [(n: number) => new Float32Array(n), Int32Array.of(0, 3)];
    expect(() => native.gatherRows(2, 2, 3, rows, f(6), f(4))).toThrow(
      new RangeError('gatherRows: rows [1] = 3 is not in [0, 3)'),
    );
    expect(() => native.scatterRows(2, 2, 3, Int32Array.of(-1, 0), f(4), f(6))).toThrow(RangeError);
    expect(() => native.scatterRows(2, 2, 3, Int32Array.of(1, 0), f(4), f(5))).toThrow(
      /scatterRows: dx must have 6/,
    );
  });
});

/** Labels with some rows left out. */
const labelsFor = (M: number, V: number) => randomIds(M, V, 9).map((label, m) => (m % 5 === 3 ? -1 : label));

underEverySetting('bfloat16 losses', (use) => {
  for (const [M, V, D] of [
    [3, 17, 5],
    [130, 1100, 33],
    [7, 300, 512],
    [4, 17_000, 8],
  ] as const) {
    const scale = 1 / Math.sqrt(D);
    it(`cross entropy both ways, M ${M}, V ${V}, D ${D}`, () => {
      use();
      const [h, w, dloss] = [both(M * D, 1), weights(V * D, 2, 3 * scale), random(M, 3)];
      const labels = labelsFor(M, V);
      const [loss, lse, lossOut, lseOut] = [blank(M), blank(M), blank(M), blank(M)];
      native.crossEntropyForward(M, V, D, h.floats, w, labels, loss, lse);
      native.crossEntropyForward(M, V, D, h.halves, w, labels, lossOut, lseOut);
      // Products of the same numbers, summed in float32.
      expectClose(lossOut, loss, 1e-5);
      expectClose(lseOut, lse, 1e-5);
      const [dh, dw, dhHalves, dwOut] = [blank(M * D), blank(V * D), blankHalves(M * D), blank(V * D)];
      native.crossEntropyBackward(M, V, D, h.floats, w, labels, lse, dloss, dh, dw);
      native.crossEntropyBackward(M, V, D, h.halves, w, labels, lse, dloss, dhHalves, dwOut);
      // The logits' gradients are rounded before they are multiplied.
      expectRounded(dhHalves, dh, { inner: 1 });
      expectRounded(dwOut, dw, { inner: 1 });
      const alone = blankHalves(M * D);
      native.crossEntropyBackward(M, V, D, h.halves, w, labels, lse, dloss, alone, null);
      expectSameHalves(alone, dhHalves);
    });

    it(`weighted cross entropy, M ${M}, V ${V}, D ${D}`, () => {
      use();
      const [h, w, by] = [both(M * D, 4), weights(V * D, 5, 3 * scale), random(M, 6)];
      const labels = labelsFor(M, V);
      const [loss, dh, dw] = [blank(M), blank(M * D), blank(V * D)];
      native.crossEntropyLoss(M, V, D, h.floats, w, labels, by, loss, dh, dw);
      const [lossOut, dhHalves, dwOut] = [blank(M), blankHalves(M * D), blank(V * D)];
      native.crossEntropyLoss(M, V, D, h.halves, w, labels, by, lossOut, dhHalves, dwOut);
      expectClose(lossOut, loss, 1e-5);
      expectRounded(dhHalves, dh, { inner: 1 });
      expectRounded(dwOut, dw, { inner: 1 });
    });

    it(`KL both ways, M ${M}, V ${V}, D ${D}`, () => {
      use();
      const Dq = D + 4;
      const [hp, hq] = [both(M * D, 7), both(M * Dq, 8)];
      const [wp, wq] = [weights(V * D, 9, 3 * scale), weights(V * Dq, 10, 3 * scale)];
      const dkl = random(M, 11);
      const results = (['floats', 'halves'] as const).map((type) => {
        const out = (n: number) => (type === 'floats' ? blank(n) : blankHalves(n));
        const [kl, lseP, lseQ] = [blank(M), blank(M), blank(M)];
        native.klForward(M, V, D, Dq, hp[type], wp, hq[type], wq, kl, lseP, lseQ);
        const [dhp, dwp, dhq, dwq] = [out(M * D), blank(V * D), out(M * Dq), blank(V * Dq)];
        const inputs = [hp[type], wp, hq[type], wq, kl, lseP, lseQ, dkl] as const;
        native.klBackward(M, V, D, Dq, ...inputs, dhp, dwp, dhq, dwq);
        return { sums: [kl, lseP, lseQ], grads: [dhp, dwp, dhq, dwq] };
      });
      const [floats, halves] = results as [(typeof results)[0], (typeof results)[0]];
      for (const [i, sum] of halves.sums.entries()) expectClose(sum, floats.sums[i]!, 1e-5);
      for (const [i, grad] of halves.grads.entries()) expectRounded(grad, floats.grads[i]!, { inner: 1 });
    });
  }
});

it('reads and writes views that begin anywhere', () => {
  for (const isa of native.availableIsas()) {
    native.setIsa(isa);
    const [M, N, K] = [20, 33, 48];
    const x = both(M * K, 1).halves;
    const w = random(K * N, 2);
    const [expected, y] = [blankHalves(M * N), blankHalves(M * N + 1)];
    native.linearForward(M, N, K, x, w, false, null, 0, null, expected, null);
    const shifted = new Uint16Array(M * K + 1);
    shifted.set(x, 1);
    native.linearForward(M, N, K, shifted.subarray(1), w, false, null, 0, null, y.subarray(1), null);
    expectSameHalves(y.subarray(1), expected);
  }
});

it('a sum over rows keeps its digits: products add up in float32', () => {
  // 4,000 equal terms of 1/4: in bfloat16 a sum would stop at 64.
  const [M, N, K] = [4000, 1, 1];
  const dw = blank(1);
  const [x, dy] = [new Uint16Array(M).fill(0x3f80), new Uint16Array(M).fill(0x3e80)];
  native.linearBackward(M, N, K, x, Float32Array.of(1), false, 0, null, dy, null, dw, null);
  expect(dw[0]).toBe(1000);
  expect(product(1, 1, M, fromHalves(x), false, fromHalves(dy), false)[0]).toBe(1000);
});
