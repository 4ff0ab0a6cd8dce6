/** Starts the engine as a job wants it. */
import type { NativeBackend } from '../../src/engine/backend.js';
import type { CudaNative } from '../../src/engine/engines/cuda/memory.js';
import { type Engine, KINDS, startEngine } from '../../src/engine/index.js';
import * as tf from '../../src/engine/tf.js';
import type { Gpu, Job } from '../report.js';

export interface Opened extends Engine {
  /** The GPU's functions, and what it is; null elsewhere. */
  gpu: { native: CudaNative; about: Gpu } | null;
}

/** @throws UserError where the engine cannot compute in that precision */
export async function openEngine({ engine, threads, precision }: Job): Promise<Opened> {
  // TensorFlow must be told before it is loaded; wasm has one thread, whatever is asked of the peers.
  const started = await startEngine(engine, {
    precision,
    threads: engine === 'tensorflow' ? threads : undefined,
  });
  started.native?.setThreads(threads);
  if (started.name !== 'cuda') return { ...started, gpu: null };
  const native = (tf.backend() as NativeBackend).native as CudaNative;
  const blas = (await KINDS.cuda.needs()).find(({ what }) => what === 'matrix products')?.found ?? '';
  // Without its path.
  return { ...started, gpu: { native, about: { ...native.device(), blas: blas.replace(/ \(.*/, '') } } };
}
