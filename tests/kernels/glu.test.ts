import { expect, it } from 'vitest';
import {
  blank,
  differences,
  dot,
  expectClose,
  expectGradient,
  native,
  random,
  underEverySetting,
} from './harness.js';
import { gelu } from './reference.js';

const silu = (x: number) => x / (1 + Math.exp(-x));

underEverySetting('gated units', (use) => {
  for (const [act, of] of [
    [1, gelu],
    [2, silu],
  ] as const)
    for (const n of [1, 37, 40_003])
      it(`act ${act}, ${n} numbers, both ways`, () => {
        use();
        const [gate, up, dy] = [random(n, 1, 5), random(n, 2), random(n, 3)];
        const y = blank(n);
        native.gluForward(n, act, gate, up, y);
        expectClose(
          y,
          gate.map((g, i) => of(g) * up[i]!),
          1e-6,
        );
        const [dgate, dup] = [blank(n), blank(n)];
        native.gluBackward(n, act, gate, up, dy, dgate, dup);
        expectClose(
          dup,
          dy.map((d, i) => d * of(gate[i]!)),
          1e-6,
        );
        const g64 = Float64Array.from(gate);
        // A number's gradient is its own: the loss needs no more than the numbers that are looked at.
        const seen = Math.min(n, 64);
        const loss = () =>
          dot(
            dy.subarray(0, seen),
            g64.subarray(0, seen).map((g, i) => of(g) * up[i]!),
          );
        expectGradient(dgate.subarray(0, seen), differences(g64.subarray(0, seen), loss));
      });
});

it('refuses other activations and wrong lengths', () => {
  const f = (n: number) => new Float32Array(n);
  expect(() => native.gluForward(2, 3, f(2), f(2), f(2))).toThrow(/gluForward: act must be 1 or 2/);
  expect(() => native.gluForward(2, 1, f(2), f(3), f(2))).toThrow(/gluForward: up must have 2/);
});
