/** What commands that compute do first, and how they reporter what they are doing. */
import type { Engine, EngineName, Precision } from '../engine/index.js';
import type { Reporter } from '../pipeline/run-context.js';
import { notice } from './streams.js';

export interface EngineArguments {
  engine?: EngineName | undefined;
  precision?: Precision | undefined;
  threads?: number | undefined;
  gpu?: boolean | undefined;
}

/** Starts the engine; the modules that compute are only loaded here. */
async function startSession({ engine, precision, threads, gpu }: EngineArguments): Promise<Engine> {
  const options = { precision, threads };
  if (gpu) return (await import('../engine/gpu.js')).startGpuEngine(engine, options);
  return (await import('../engine/index.js')).startEngine(engine, options);
}

/** Progress bars on standard error, one after another; nothing where `quiet`. */
async function showProgress(quiet: boolean | undefined): Promise<Reporter & { stop(): void }> {
  if (quiet) return { progress: () => {}, scalar: () => {}, done: () => {}, notice, stop: () => {} };
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
    scalar: () => {},
    done: stop,
    notice: (line) => {
      stop();
      notice(line);
    },
    stop,
  };
}

/** Starts the engine, and shows what `use` does as long as it runs. */
export async function compute<T>(
  given: EngineArguments & { quiet?: boolean | undefined },
  use: (reporter: Reporter & { stop(): void }, engine: Engine) => Promise<T>,
): Promise<T> {
  const engine = await startSession(given);
  const reporter = await showProgress(given.quiet);
  try {
    return await use(reporter, engine);
  } finally {
    reporter.stop();
  }
}
