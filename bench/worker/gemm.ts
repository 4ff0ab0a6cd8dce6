/**
 * Matrix products, timed, in GFLOP per second: the addon's, or where it is not built (or where tfjs-node is asked for)
 * tfjs' matMul.
 */
import { createRequire } from 'node:module';
import type { CudaNative } from '../../src/engine/engines/cuda/memory.js';
import type { Engine } from '../../src/engine/index.js';
import * as ours from '../../src/engine/tf.js';
import { UserError } from '../../src/store/errors.js';
import { type GemmAmount, type Job, type Report, type Shape, shapeKey } from '../report.js';
import { openEngine } from './engine.js';
import { onGpu, peakRssMiB } from './time.js';

type GemmJob = Extract<Job, { work: 'gemm' }>;
type Tfjs = Pick<typeof ours, 'tensor2d' | 'matMul' | 'dispose'>;
type TfjsNode = Pick<typeof ours, keyof Tfjs | 'setBackend'> & { version: Record<string, string> };
/** Seconds of each run after the first. */
function secondsOf({ seconds, least }: GemmAmount, run: () => void): number[] {
  run();
  const taken: number[] = [];
  const began = performance.now();
  while (taken.length < least || performance.now() - began < seconds * 1000) {
    const from = performance.now();
    run();
    taken.push((performance.now() - from) / 1000);
  }
  return taken;
}

/** Values in [−1, 1), repeating: making them must not take longer than multiplying them. */
function values(n: number): Float32Array {
  const block = Float32Array.from({ length: Math.min(n, 65_537) }, () => 2 * Math.random() - 1);
  const all = new Float32Array(n);
  for (let at = 0; at < n; at += block.length) all.set(block.subarray(0, n - at), at);
  return all;
}

function timeNative(native: NonNullable<Engine['native']>, job: GemmJob, shape: Shape): number[] {
  const { M, N, K, transA, transB } = shape;
  const [a, b, c] = [values(M * K), values(K * N), new Float32Array(M * N)];
  if (job.precision === 'float32')
    return secondsOf(job.amount, () => native.gemm(M, N, K, a, transA, b, transB, c, false));
  // An addon built from older sources.
  if (typeof native.gemmBf16 !== 'function')
    throw new UserError('the native addon has no product in bfloat16; run "npm run build:native"');
  return secondsOf(job.amount, () => native.gemmBf16(M, N, K, a, transA, b, transB, c));
}

/** Products that a GPU gets at once, so that starting and waiting for one does not count. */
const AT_ONCE = 10;

/**
 * In bfloat16 as the layers do it: a weight's gradient is a product of two arrays in bfloat16; in the others the weights, here
 * the right operand, are float32 and are rounded first, inside the clock.
 */
function timeOnGpu(gpu: CudaNative, { precision, amount }: GemmJob, shape: Shape): number[] {
  const { M, N, K, transA, transB } = shape;
  const floats = (n: number) => {
    const array = gpu.allocateFloats(n);
    gpu.upload(values(n), array);
    return array;
  };
  const halves = (n: number) => {
    const [from, to] = [floats(n), gpu.allocateHalves(n)];
    gpu.convert(n, from, to);
    gpu.free(from);
    return to;
  };
  const product = () => {
    if (precision === 'float32') {
      const [a, b, c] = [floats(M * K), floats(K * N), gpu.allocateFloats(M * N)];
      return { run: () => gpu.gemm(M, N, K, a, transA, b, transB, c, false), arrays: [a, b, c] };
    }
    if (!transA) {
      const [x, w, y] = [halves(M * K), floats(K * N), gpu.allocateHalves(M * N)];
      const run = () => gpu.linearForward(M, N, K, x, w, transB, null, 0, null, y, null);
      return { run, arrays: [x, w, y] };
    }
    if (transB) throw new UserError('no layer multiplies two transposed matrices in bfloat16');
    const [x, dy, w, dw] = [halves(K * M), halves(K * N), floats(M * N), gpu.allocateFloats(M * N)];
    const run = () => gpu.linearBackward(K, N, M, x, w, false, 0, null, dy, null, dw, null);
    return { run, arrays: [x, dy, w, dw] };
  };
  const { run, arrays } = product();
  const seconds = secondsOf(amount, () => {
    for (let i = 0; i < AT_ONCE; i++) run();
    gpu.synchronize();
  });
  for (const array of arrays) gpu.free(array);
  return seconds.map((s) => s / AT_ONCE);
}

function timeMatMul(tf: Tfjs, job: GemmJob, { M, N, K, transA, transB }: Shape): number[] {
  if (job.precision !== 'float32') throw new UserError('tfjs multiplies in float32 only');
  const a = tf.tensor2d(values(M * K), transA ? [K, M] : [M, K]);
  const b = tf.tensor2d(values(K * N), transB ? [N, K] : [K, N]);
  const seconds = secondsOf(job.amount, () => tf.matMul(a, b, transA, transB).dispose());
  tf.dispose([a, b]);
  return seconds;
}

export async function timeProducts(job: GemmJob): Promise<Report> {
  let subject: string;
  let time: (shape: Shape) => number[];
  let device: ReturnType<typeof onGpu> = {};
  if (job.tfjsNode) {
    const tf = createRequire(import.meta.url)(job.tfjsNode) as TfjsNode;
    // It shares tfjs-core with our engines, which are registered there, too.
    if (!(await tf.setBackend('tensorflow'))) throw new UserError(`${job.tfjsNode} does not start`);
    subject = `${job.tfjsNode} ${tf.version.tfjs ?? ''}`.trim();
    time = (shape) => timeMatMul(tf, job, shape);
  } else {
    const engine = await openEngine(job);
    const { native, gpu } = engine;
    subject = engine.describe();
    device = onGpu(engine);
    time = (shape) => {
      if (gpu) return timeOnGpu(gpu.native, job, shape);
      return native ? timeNative(native, job, shape) : timeMatMul(ours, job, shape);
    };
  }
  const rates = job.shapes.map((shape) => {
    const flops = 2 * shape.M * shape.N * shape.K;
    return [shapeKey(shape), time(shape).map((seconds) => flops / seconds / 1e9)] as const;
  });
  return { subject, rates: Object.fromEntries(rates), peakRssMiB: peakRssMiB(), ...device };
}
