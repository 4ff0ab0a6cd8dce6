/** Starts the engine as a job wants it. */
import { type Engine, startEngine } from '../../src/engine/index.js';
import type { Job } from '../report.js';

/** @throws UserError where the engine cannot compute in that precision */
export async function openEngine({ engine, threads, precision }: Job): Promise<Engine> {
  // TensorFlow must be told before it is loaded; wasm has one thread, whatever is asked of the peers.
  const started = await startEngine(engine, {
    precision,
    threads: engine === 'tensorflow' ? threads : undefined,
  });
  started.native?.setThreads(threads);
  return started;
}
