/**
 * A small check of each family of kernels of the engine `cuda`, in both precisions: operations with their gradients against the same on
 * the engine `wasm`, the sampler against a second pass. The tests hold much more against references (tests/engine/parity.ts).
 */
import type { NativeBackend } from '../../engine/backend.js';
import type { CudaNative } from '../../engine/engines/cuda/memory.js';
import {
  adamw,
  causalAttention,
  createAdamState,
  disposeAdamState,
  glu,
  layerNorm,
  linear,
  linearCrossEntropy,
  linearKL,
  rmsNorm,
  rotary,
} from '../../engine/fused.js';
import { type Precision, startEngine } from '../../engine/index.js';
import * as tf from '../../engine/tf.js';
import { difference, evaluate, noise } from './compare.js';
import { draw } from './draw.js';

export interface Check {
  name: string;
  tolerance: number;
  /** drawn: what the sampler drew; hopper: whether attention takes Hopper's own products, and why. */
  run(): Promise<{ difference: number; drawn?: string; hopper?: string }>;
}

export const KINDS_OF_CHECKS = ['operations', 'sampler'] as const;
export type KindOfChecks = (typeof KINDS_OF_CHECKS)[number];

type T1 = tf.Tensor1D;
type T2 = tf.Tensor2D;
interface Operation {
  name: string;
  shapes: number[][];
  of: (...x: tf.Tensor[]) => tf.Tensor;
}

/** Small heads; several tiles of heads as models have them, two of which share keys, as on Hopper its own products take them. */
const ATTENTIONS = [
  { B: 2, T: 40, heads: 3, kvHeads: 3, headDim: 16 },
  { B: 1, T: 300, heads: 4, kvHeads: 2, headDim: 64 },
  { B: 1, T: 200, heads: 1, kvHeads: 1, headDim: 128 },
];
const ROTATION = { frequencies: [1, 0.1, 0.01], interleaved: false, scale: 1 };
const labels = Int32Array.from({ length: 37 }, (_, i) => (i * 7) % 50);

/** Sizes that fill whole 16 bytes and sizes that do not, more than a tile. */
const OPERATIONS = [
  {
    name: 'product',
    shapes: [
      [72, 64],
      [64, 136],
    ],
    of: (a, b) => tf.matMul(a as T2, b as T2),
  },
  {
    name: 'product, of odd sizes',
    shapes: [
      [37, 6],
      [6, 17],
    ],
    of: (x, w) => linear(x as T2, w as T2, null),
  },
  {
    name: 'product with bias and GELU',
    shapes: [[72, 64], [64, 136], [136]],
    of: (x, w, b) => linear(x as T2, w as T2, b as T1, { activation: 'gelu' }),
  },
  {
    name: 'product with bias and residual',
    shapes: [[72, 64], [64, 136], [136], [72, 136]],
    of: (x, w, b, r) => linear(x as T2, w as T2, b as T1, { residual: r as T2 }),
  },
  ...ATTENTIONS.map((sizes) => ({
    name: `attention, heads of ${sizes.headDim}`,
    shapes: [[sizes.B * sizes.T, (sizes.heads + 2 * sizes.kvHeads) * sizes.headDim]],
    of: (qkv: tf.Tensor) => causalAttention([qkv as T2], sizes),
  })),
  {
    name: 'rotary positions',
    shapes: [[37, 3 * 8]],
    of: (x) =>
      rotary(
        x as T2,
        Int32Array.from({ length: 37 }, (_, i) => i),
        3,
        ROTATION,
        2,
      ),
  },
  {
    name: 'gated activation',
    shapes: [
      [37, 48],
      [37, 48],
    ],
    of: (gate, up) => glu(gate as T2, up as T2, 'silu'),
  },
  {
    name: 'layer norm',
    shapes: [[37, 48], [48], [48]],
    of: (x, g, b) => layerNorm(x as T2, g as T1, b as T1, 1e-5),
  },
  { name: 'RMS norm', shapes: [[37, 48], [48]], of: (x, g) => rmsNorm(x as T2, g as T1, 1e-5) },
  {
    name: 'cross-entropy',
    shapes: [
      [37, 48],
      [50, 48],
    ],
    of: (h, w) => linearCrossEntropy(h as T2, w as T2, labels),
  },
  {
    name: 'KL',
    shapes: [
      [37, 48],
      [50, 48],
      [37, 32],
      [50, 32],
    ],
    of: (hp, wp, hq, wq) => linearKL(hp as T2, wp as T2, hq as T2, wq as T2),
  },
] as Operation[];

/** As in tests/engine/parity.ts. */
const TOLERANCES: Record<Precision, Record<KindOfChecks, number>> = {
  float32: { operations: 5e-5, sampler: 1e-5 },
  bfloat16: { operations: 4 * 2 ** -8, sampler: 1e-2 },
};

/** Numbers that bfloat16 holds, a float's upper half, near the given ones. */
const halves = (x: Float32Array) =>
  new Float32Array(new Uint32Array(x.slice().buffer).map((bits) => bits & 0xffff0000).buffer);

async function compareOperation({ shapes, of }: Operation, precision: Precision): Promise<number> {
  const inputs = shapes.map((shape, i) => halves(noise(tf.util.sizeFromShape(shape), i + 1)));
  await startEngine('cuda', { precision });
  const got = evaluate(of, inputs, shapes);
  await startEngine('wasm');
  const want = evaluate(of, inputs, shapes);
  return Math.max(
    difference(got.value, want.value),
    ...got.grads.map((grad, i) => difference(grad, want.grads[i]!)),
  );
}

/** One step of AdamW with clipping: how far the weights are from the same step on `wasm`. */
async function compareStep(precision: Precision): Promise<number> {
  const [weights, gradient] = [noise(72 * 64, 1), noise(72 * 64, 2)];
  const step = async () => {
    const variable = tf.variable(tf.tensor(weights, [72, 64]));
    const grads = [tf.tensor(gradient, [72, 64])];
    const state = createAdamState([variable]);
    const hyper = { lr: 0.1, beta1: 0.9, beta2: 0.99, eps: 1e-8, clip: 1 };
    const { loss, gradNorm } = adamw([variable], grads, [tf.scalar(2)], state, [0.01], hyper);
    const got = Float32Array.from([...variable.dataSync(), loss, gradNorm]);
    disposeAdamState(state);
    tf.dispose([variable, ...grads]);
    return got;
  };
  await startEngine('cuda', { precision });
  const got = await step();
  await startEngine('wasm');
  return difference(got, await step());
}

/** Hopper's own products are held against the other kernels by the addon itself, before they are used. @throws Error where they differ */
async function checkHopper(): Promise<{ difference: number; hopper: string }> {
  await startEngine('cuda');
  const native = (tf.backend() as NativeBackend).native as CudaNative;
  const hopper = native.hopperState();
  native.synchronize();
  if (/^not used: (its results|CUDA)/.test(hopper)) throw new Error(hopper);
  return { difference: 0, hopper };
}

const PRECISIONS: readonly Precision[] = ['bfloat16', 'float32'];

export function checksOf(kind: KindOfChecks): Check[] {
  const hopper = { name: HOPPER, tolerance: 0, run: checkHopper };
  return [...(kind === 'operations' ? [hopper] : []), ...checksByPrecision(kind)];
}

/** The name of a check of its own: nothing else may be wrong where it fails. */
const HOPPER = 'attention by Hopper’s own products';

function checksByPrecision(kind: KindOfChecks): Check[] {
  return PRECISIONS.flatMap((precision): Check[] => {
    const tolerance = TOLERANCES[precision][kind];
    if (kind === 'operations')
      return [
        ...OPERATIONS.map((operation) => ({
          name: `${operation.name}, ${precision}`,
          tolerance,
          run: async () => ({ difference: await compareOperation(operation, precision) }),
        })),
        {
          name: `a step of AdamW, ${precision}`,
          tolerance: TOLERANCES.float32.operations,
          run: async () => ({ difference: await compareStep(precision) }),
        },
      ];
    const run = async () => {
      await startEngine('cuda', { precision });
      const { tokens, logprobs, difference } = await draw();
      return { difference, drawn: JSON.stringify([tokens, logprobs]) };
    };
    return [{ name: `sampler, ${precision}`, tolerance, run }];
  });
}
