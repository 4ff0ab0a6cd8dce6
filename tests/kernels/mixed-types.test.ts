// All activations of one call have one type: another one is refused by name, before anything is read or written.
import { describe, expect, it } from 'vitest';
import type { Activations } from '../../src/engine/native.js';
import { native } from './harness.js';
import { apart, packed } from './projected.js';

const f = (n: number) => new Float32Array(n);
const h = (n: number) => new Uint16Array(n);
const ids = (n: number) => new Int32Array(n);
const attentionBackward = (qkv: Activations, y: Activations, dy: Activations, dqkv: Activations) =>
  native.attentionBackward(1, 2, 1, 1, 2, ...packed(qkv, 1, 2), y, f(2), dy, dqkv, dqkv, dqkv);

const cases: [what: string, call: () => void][] = [
  [
    'linearForward: residual',
    () => native.linearForward(2, 3, 4, h(8), f(12), false, null, 0, f(6), h(6), null),
  ],
  ['linearForward: y', () => native.linearForward(2, 3, 4, h(8), f(12), false, null, 0, null, f(6), null)],
  ['linearForward: pre', () => native.linearForward(2, 3, 4, f(8), f(12), false, null, 1, null, f(6), h(6))],
  [
    'linearForward: w',
    () => native.linearForward(2, 3, 4, h(8), h(12) as never, false, null, 0, null, h(6), null),
  ],
  [
    'linearBackward: pre',
    () => native.linearBackward(2, 3, 4, h(8), f(12), false, 1, f(6), h(6), h(8), null, null),
  ],
  [
    'linearBackward: dy',
    () => native.linearBackward(2, 3, 4, h(8), f(12), false, 0, null, f(6), h(8), null, null),
  ],
  [
    'linearBackward: dx',
    () => native.linearBackward(2, 3, 4, f(8), f(12), false, 0, null, f(6), h(8), null, null),
  ],
  [
    'linearBackward: dw',
    () => native.linearBackward(2, 3, 4, h(8), f(12), false, 0, null, h(6), h(8), h(12) as never, null),
  ],
  ['normForward: y', () => native.normForward(1, 2, 3, 1e-5, h(6), f(3), null, f(6), null, f(2))],
  ['normForward: rstd', () => native.normForward(1, 2, 3, 1e-5, h(6), f(3), null, h(6), null, h(2) as never)],
  [
    'normBackward: dy',
    () => native.normBackward(1, 2, 3, h(6), f(3), null, f(2), f(6), null, h(6), f(3), null),
  ],
  [
    'normBackward: residual',
    () => native.normBackward(1, 2, 3, h(6), f(3), null, f(2), h(6), f(6), h(6), f(3), null),
  ],
  [
    'normBackward: dx',
    () => native.normBackward(1, 2, 3, f(6), f(3), null, f(2), f(6), null, h(6), f(3), null),
  ],
  [
    'attentionForward: k',
    () => native.attentionForward(1, 2, 1, 1, 2, ...apart(h(4), f(4), h(4), 1, 2), h(4), f(2)),
  ],
  ['attentionForward: y', () => native.attentionForward(1, 2, 1, 1, 2, ...packed(h(12), 1, 2), f(4), f(2))],
  ['attentionBackward: y', () => attentionBackward(h(12), f(4), h(4), h(12))],
  ['attentionBackward: dy', () => attentionBackward(h(12), h(4), f(4), h(12))],
  ['attentionBackward: dq', () => attentionBackward(f(12), f(4), f(4), h(12))],
  ['rotary: y', () => native.rotary(1, 1, 1, 2, ids(1), Float64Array.of(1), false, 1, false, h(2), f(2))],
  ['gluForward: up', () => native.gluForward(2, 1, h(2), f(2), h(2))],
  ['gluBackward: dup', () => native.gluBackward(2, 2, f(2), f(2), f(2), f(2), h(2))],
  ['embedForward: wte', () => native.embedForward(1, 2, ids(1), null, h(4) as never, null, h(2))],
  ['embedBackward: dwte', () => native.embedBackward(1, 2, ids(1), null, h(2), h(4) as never, null, false)],
  ['gatherRows: y', () => native.gatherRows(1, 2, 1, ids(1), h(2), f(2))],
  ['scatterRows: dx', () => native.scatterRows(1, 2, 1, ids(1), f(2), h(2))],
  [
    'crossEntropyForward: loss',
    () => native.crossEntropyForward(1, 2, 3, h(3), f(6), ids(1), h(1) as never, f(1)),
  ],
  [
    'crossEntropyBackward: dh',
    () => native.crossEntropyBackward(1, 2, 3, h(3), f(6), ids(1), f(1), f(1), f(3), null),
  ],
  [
    'crossEntropyLoss: dh',
    () => native.crossEntropyLoss(1, 2, 3, f(3), f(6), ids(1), f(1), f(1), h(3), f(6)),
  ],
  [
    'crossEntropyLoss: dw',
    () => native.crossEntropyLoss(1, 2, 3, h(3), f(6), ids(1), f(1), f(1), h(3), h(6) as never),
  ],
  ['klForward: hq', () => native.klForward(1, 2, 3, 3, h(3), f(6), f(3), f(6), f(1), f(1), f(1))],
  [
    'klBackward: hq',
    () =>
      native.klBackward(1, 2, 3, 3, h(3), f(6), f(3), f(6), f(1), f(1), f(1), f(1), h(3), null, null, null),
  ],
  [
    'klBackward: dhq',
    () =>
      native.klBackward(1, 2, 3, 3, h(3), f(6), h(3), f(6), f(1), f(1), f(1), f(1), null, null, f(3), null),
  ],
];

describe('another type is refused', () => {
  it.each(cases)('%s', (what, call) => {
    expect(call).toThrow(TypeError);
    expect(call).toThrow(new RegExp(`^${what} must be a (Float32|Uint16)Array$`));
  });
});
