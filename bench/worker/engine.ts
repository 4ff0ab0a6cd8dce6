/** Starts the engine as a job wants it. */
import { type Engine, startEngine } from '../../src/engine/index.js';
import type { Job } from '../report.js';

/** @throws UserError where the engine cannot compute in that precision */
export async function openEngine({ engine, threads, precision }: Job): Promise<Engine> {
  const started = await startEngine(engine, { precision });
  started.native?.setThreads(threads);
  return started;
}
