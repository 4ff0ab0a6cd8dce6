// A batch of no rows: nothing to read, and gradients of parameters that are zero. And rows that are not numbers.
import { expect, it } from 'vitest';
import { blankHalves, fromHalves, toHalves } from './bfloat16.js';
import { blank, expectSameBits, native, random, underEverySetting } from './harness.js';
import { packed } from './projected.js';

const f = (n: number) => new Float32Array(n);
const ids = new Int32Array(0);

for (const [type, none] of [
  ['float32', f(0)],
  ['bfloat16', new Uint16Array(0)],
] as const)
  it(`no rows in ${type}`, () => {
    native.linearForward(0, 3, 4, none, f(12), false, f(3), 1, none, none, none);
    native.normForward(0, 0, 3, 1e-5, none, f(3), f(3), none, f(0), f(0));
    const inputs = packed(none, 1, 2);
    native.attentionForward(0, 2, 1, 1, 2, ...inputs, none, f(0));
    native.attentionBackward(0, 2, 1, 1, 2, ...inputs, none, f(0), none, none, none, none);
    native.rotary(0, 1, 1, 2, new Int32Array(0), Float64Array.of(1), false, 1, false, none, none);
    native.gluForward(0, 2, none, none, none);
    native.gluBackward(0, 2, none, none, none, none, none);
    native.embedForward(0, 2, ids, ids, f(4), f(2), none);
    native.gatherRows(0, 2, 0, ids, none, none);
    native.crossEntropyForward(0, 2, 3, none, f(6), ids, f(0), f(0));
    native.klForward(0, 2, 3, 3, none, f(6), none, f(6), f(0), f(0), f(0));
    native.convert(0, none, none);
    native.add(0, none, none, none);
    native.scale(0, none, 2, none);
    const outs: Float32Array[] = [];
    const out = (n: number) => {
      outs.push(blank(n));
      return outs.at(-1)!;
    };
    native.normBackward(0, 0, 3, none, f(3), f(0), f(0), none, none, none, out(3), out(3));
    native.embedBackward(0, 2, ids, ids, none, out(4), out(2), false);
    native.crossEntropyBackward(0, 2, 3, none, f(6), ids, f(0), f(0), none, out(6));
    native.crossEntropyLoss(0, 2, 3, none, f(6), ids, f(0), f(0), none, out(6));
    for (const grad of outs) expectSameBits(grad, f(grad.length));
  });

underEverySetting('not a number', (use) => {
  for (const bad of [Number.NaN, Number.POSITIVE_INFINITY])
    it(`${bad} shows in its own row's loss and gradient, and in no other's`, () => {
      use();
      const [M, V, D, row] = [5, 40, 19, 2];
      const h = random(M * D, 1);
      h[row * D + 3] = bad;
      const halves = toHalves(h);
      const [w, labels, weights] = [random(V * D, 2), new Int32Array(M), f(M).fill(1)];
      const [loss, dh, dw] = [blank(M).fill(0), f(M * D), f(V * D)];
      native.crossEntropyLoss(M, V, D, h, w, labels, weights, loss, dh, dw);
      const [lossOut, dhHalves] = [f(M), blankHalves(M * D).fill(0)];
      native.crossEntropyLoss(M, V, D, halves, w, labels, weights, lossOut, dhHalves, dw);
      for (const [losses, grads] of [
        [loss, dh],
        [lossOut, fromHalves(dhHalves)],
      ] as const)
        for (let m = 0; m < M; m++) {
          expect(Number.isNaN(losses[m])).toBe(m === row);
          expect(grads.subarray(m * D, (m + 1) * D).every(Number.isFinite)).toBe(m !== row);
        }
    });
});
