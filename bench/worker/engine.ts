/** Starts the engine as a job wants it. */
import { type Engine, startEngine } from '../../src/engine/index.js';
import { UserError } from '../../src/store/errors.js';
import type { Job } from '../report.js';

/** @throws UserError where the engine cannot compute in that precision */
export async function openEngine({ engine, threads, precision }: Job): Promise<Engine> {
  if (precision !== 'float32')
    throw new UserError(`--precision ${precision}: the engines compute in float32 only`);
  return withThreads(await startEngine(engine), threads);
}

/** For products alone, which choose their precision by the function that is called. */
export async function openEngineForProducts({ engine, threads }: Job): Promise<Engine> {
  return withThreads(await startEngine(engine), threads);
}

function withThreads(engine: Engine, threads: number): Engine {
  engine.native?.setThreads(threads);
  return engine;
}
