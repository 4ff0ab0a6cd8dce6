/** What commands that compute do first, and how they show what they are doing. */
import type { Engine, EngineName, Precision } from '../engine/index.js';
import type { Show } from '../ilf/lab.js';
import { UserError } from '../store/errors.js';

export interface EngineArguments {
  engine?: EngineName | undefined;
  precision?: Precision | undefined;
  threads?: number | undefined;
  gpu?: boolean | undefined;
}

export function refuseGpu(gpu: boolean | undefined): void {
  if (gpu)
    throw new UserError('--gpu: this version has no GPU engine; leave --gpu out to compute on the CPU');
}

/** Starts the engine; the modules that compute are only loaded here. */
export async function startSession({ engine, precision, threads, gpu }: EngineArguments): Promise<Engine> {
  refuseGpu(gpu);
  const { startEngine } = await import('../engine/index.js');
  return startEngine(engine, { precision, threads });
}

/** Progress bars on standard error, one after another; nothing where `quiet`. */
export async function showProgress(quiet: boolean | undefined): Promise<Show & { stop(): void }> {
  if (quiet) return { progress: () => {}, done: () => {}, stop: () => {} };
  const { startProgress } = await import('../report/progress.js');
  let bar: { doing: string; shown: ReturnType<typeof startProgress> } | undefined;
  const stop = () => {
    bar?.shown.stop();
    bar = undefined;
  };
  return {
    progress: (doing, done, total, unit) => {
      if (bar?.doing !== doing) {
        stop();
        bar = { doing, shown: startProgress(doing, total, { unit }) };
      }
      bar.shown.update(done);
    },
    done: stop,
    stop,
  };
}

/** Text to standard output, all of it. */
export function print(text: string): Promise<void> {
  return new Promise((resolve) => process.stdout.write(`${text}\n`, () => resolve()));
}
