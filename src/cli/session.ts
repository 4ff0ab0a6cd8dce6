/** What commands that compute do first, and how they report what they are doing. */
import type { EngineChoice, StartedEngine } from '../library/engine.js';
import type { Reporter } from '../pipeline/run-context.js';
import { jsonText, notice } from './streams.js';

export interface ProgressArguments {
  progress?: keyof typeof shownBy | undefined;
  quiet?: boolean | undefined;
}

type Shown = Reporter & { stop(): void };

/** Nothing but what a person must read. */
const silent: Shown = { progress: () => {}, scalar: () => {}, done: () => {}, notice, stop: () => {} };

/** Progress bars on standard error, one after another. */
async function bars(): Promise<Shown> {
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

/** Milliseconds between two lines about the same activity. */
const BETWEEN_LINES = 250;

/** JSON lines on standard error (docs/options.md): every start and end of an activity, and some of what is between. */
function jsonLines(): Shown {
  const line = (event: object) => console.error(jsonText(event));
  let [current, shown, last] = ['', -1, 0];
  return {
    progress: (doing, done, total, unit) => {
      const now = performance.now();
      if (doing === current && (done === shown || (done < total && now - last < BETWEEN_LINES))) return;
      [current, shown, last] = [doing, done, now];
      line({ doing, done, total, unit });
    },
    scalar: (tag, step, value) => line({ tag, step, value }),
    done: (step, ran) => line({ step, ran }),
    notice: (text) => line({ notice: text }),
    stop: () => {},
  };
}

const shownBy = { bar: bars, json: jsonLines, none: () => silent };

/** Starts the engine, and shows what `use` does as long as it runs. */
export async function compute<T>(
  given: EngineChoice & ProgressArguments,
  use: (reporter: Reporter & { stop(): void }, engine: StartedEngine) => Promise<T>,
): Promise<T> {
  // What computes is only loaded here.
  const { startEngine } = await import('../library/engine.js');
  const { engine: name, gpu, precision, threads } = given;
  const engine = await startEngine({ engine: name, gpu, precision, threads });
  const reporter = await shownBy[given.quiet ? 'none' : (given.progress ?? 'bar')]();
  try {
    return await use(reporter, engine);
  } finally {
    reporter.stop();
  }
}
