/** What the tests of the fused operations share: the backends at hand, random tensors, finite differences. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { loadAddon } from '../../src/engine/addon.js';
import { ENGINES, type EngineName, KINDS, type Precision, startEngine } from '../../src/engine/index.js';
import * as tf from '../../src/engine/tf.js';

export const hasAddon = loadAddon().native !== null;

/** Links TensorFlow where ILF_TENSORFLOW_PYTHON names a Python that has it; does nothing where that is done already. */
function linkTensorflow(): void {
  const python = process.env.ILF_TENSORFLOW_PYTHON;
  if (!python) return;
  const script = fileURLToPath(new URL('../../kernels/tensorflow-link.mjs', import.meta.url));
  const { status, stderr } = spawnSync(process.execPath, [script, '--python', python], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`ILF_TENSORFLOW_PYTHON: ${stderr}`);
}

/** What keeps an engine from being tested here; null where nothing does. */
async function absence(engine: EngineName): Promise<string | null> {
  if (engine === 'tensorflow') linkTensorflow();
  return (await KINDS[engine].needs()).find((need) => need.found === null)?.advice ?? null;
}

/** The engines that are here, for the suites to take as parameters; those that are not, with the reason. */
const absences = await Promise.all(ENGINES.map(async (name) => ({ name, reason: await absence(name) })));
for (const { name, reason } of absences)
  if (reason !== null) console.warn(`${name} is not tested: ${reason}`);
const present = absences.filter(({ reason }) => reason === null).map(({ name }) => name);

/** tfjs' own JavaScript backend, under which every fused operation is composed, and every engine that is here. */
export const backends: readonly ('js' | EngineName)[] = ['js', ...present];

/** The same, and each engine in the other precisions that it has: "cpu bfloat16". */
export const settings: readonly string[] = backends.flatMap((name) => {
  const others = name === 'js' ? [] : KINDS[name].precisions.slice(1);
  return [name, ...others.map((precision) => `${name} ${precision}`)];
});

/** Makes one of `settings` the current engine. */
export async function use(name: string): Promise<void> {
  const [engine, precision] = name.split(' ') as [string, Precision?];
  if (engine !== 'js') await startEngine(engine as EngineName, { precision: precision ?? 'float32' });
  else {
    await import('@tensorflow/tfjs-backend-cpu');
    await tf.setBackend('cpu');
  }
}

/** Reproducible numbers, roughly uniform in ±scale. */
export function noise(n: number, seed: number, scale = 1): Float32Array {
  let state = seed * 2654435761 + 1;
  return Float32Array.from({ length: n }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return ((state >>> 8) / 2 ** 23 - 1) * scale;
  });
}

export interface Case {
  name: string;
  shapes: number[][];
  /** The op under test as it is dispatched; a reference made of plain differentiable tfjs ops. */
  op: (...x: tf.Tensor[]) => tf.Tensor;
  plain: (...x: tf.Tensor[]) => tf.Tensor;
  scale?: number;
}

export interface Result {
  value: Float32Array;
  grads: Float32Array[];
}

/** Value and gradients of Σ c·f(x) for fixed pseudo-random weights c. */
export function evaluate(
  f: (...x: tf.Tensor[]) => tf.Tensor,
  inputs: Float32Array[],
  shapes: number[][],
): Result {
  return tf.tidy(() => {
    const xs = inputs.map((x, i) => tf.tensor(x, shapes[i]!));
    const y = f(...xs);
    const weights = tf.tensor(noise(y.size, 99), y.shape);
    const grads = tf.grads((...args) =>
      f(...args)
        .mul(weights)
        .sum(),
    )(xs);
    return {
      value: y.dataSync().slice() as Float32Array,
      grads: grads.map((g) => g.dataSync().slice() as Float32Array),
    };
  });
}

/** Largest |a − b| relative to the largest |b|. */
export function difference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return Number.POSITIVE_INFINITY;
  let worst = 0;
  let size = 1e-12;
  for (let i = 0; i < a.length; i++) {
    if (!Number.isFinite(a[i]!) || !Number.isFinite(b[i]!)) return Number.POSITIVE_INFINITY;
    worst = Math.max(worst, Math.abs(a[i]! - b[i]!));
    size = Math.max(size, Math.abs(b[i]!));
  }
  return worst / size;
}
