/**
 * Matrix products, timed, in GFLOP per second: the addon's, or where it is not built (or where tfjs-node is asked for)
 * tfjs' matMul.
 */
import { createRequire } from 'node:module';
import type { Engine } from '../../src/engine/index.js';
import * as ours from '../../src/engine/tf.js';
import { UserError } from '../../src/store/errors.js';
import { type GemmAmount, type Job, type Report, type Shape, shapeKey } from '../report.js';
import { openEngine } from './engine.js';
import { peakRssMiB } from './time.js';

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
  if (job.tfjsNode) {
    const tf = createRequire(import.meta.url)(job.tfjsNode) as TfjsNode;
    // It shares tfjs-core with our engines, which are registered there, too.
    if (!(await tf.setBackend('tensorflow'))) throw new UserError(`${job.tfjsNode} does not start`);
    subject = `${job.tfjsNode} ${tf.version.tfjs ?? ''}`.trim();
    time = (shape) => timeMatMul(tf, job, shape);
  } else {
    const engine = await openEngine(job);
    const { native } = engine;
    subject = engine.describe();
    time = (shape) => (native ? timeNative(native, job, shape) : timeMatMul(ours, job, shape));
  }
  const rates = job.shapes.map((shape) => {
    const flops = 2 * shape.M * shape.N * shape.K;
    return [shapeKey(shape), time(shape).map((seconds) => flops / seconds / 1e9)] as const;
  });
  return { subject, rates: Object.fromEntries(rates), peakRssMiB: peakRssMiB() };
}
