/**
 * A small check of each family of kernels of the engine `cuda`, in both precisions: operations with their gradients against the same on
 * the engine `wasm`, the sampler against a second pass. The tests hold much more against references (tests/engine/parity.ts).
 */
import {
  causalAttention,
  layerNorm,
  linear,
  linearCrossEntropy,
  linearKL,
  rmsNorm,
} from '../../engine/fused.js';
import { type Precision, startEngine } from '../../engine/index.js';
import * as tf from '../../engine/tf.js';
import { difference, evaluate, noise } from './compare.js';
import { draw } from './draw.js';

export interface Check {
  name: string;
  tolerance: number;
  run(): Promise<{ difference: number; drawn?: string }>;
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

const ATTENTION = { B: 2, T: 40, heads: 3, kvHeads: 3, headDim: 16 };
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
  {
    name: 'attention',
    shapes: [[ATTENTION.B * ATTENTION.T, 3 * ATTENTION.heads * ATTENTION.headDim]],
    of: (qkv) => causalAttention([qkv as T2], ATTENTION),
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

const PRECISIONS: readonly Precision[] = ['bfloat16', 'float32'];

export function checksOf(kind: KindOfChecks): Check[] {
  return PRECISIONS.flatMap((precision): Check[] => {
    const tolerance = TOLERANCES[precision][kind];
    if (kind === 'operations')
      return OPERATIONS.map((operation) => ({
        name: `${operation.name}, ${precision}`,
        tolerance,
        run: async () => ({ difference: await compareOperation(operation, precision) }),
      }));
    const run = async () => {
      await startEngine('cuda', { precision });
      const { tokens, logprobs, difference } = await draw();
      return { difference, drawn: JSON.stringify([tokens, logprobs]) };
    };
    return [{ name: `sampler, ${precision}`, tolerance, run }];
  });
}
