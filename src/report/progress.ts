// Progress of a step, on stderr only: stdout is for results. Steps under a second show nothing.
import cliProgress from 'cli-progress'; // CommonJS: Node finds no named exports in it
import { formatSeconds } from './format.js';
import { plain } from './terminal.js';

export interface ProgressBar {
  /** `done` of the total so far. */
  update(done: number): void;
  /** Ends the display; call it on errors too, or the bar's timer goes on. */
  stop(): void;
}

export interface ProgressOptions {
  /** What is counted: "texts", "tokens". */
  unit: string;
  stream?: NodeJS.WriteStream;
  /** Milliseconds before anything is shown, 1000. */
  delay?: number;
  /** Milliseconds between lines where the stream is no terminal, 10 s. */
  every?: number;
}

/**
 * A bar with rate and time left on a terminal; elsewhere (a log file, a pipe) a line now and then and one at the end.
 * @param doing the step: "refine"; @param total how many units make it whole
 */
export function startProgress(doing: string, total: number, options: ProgressOptions): ProgressBar {
  const label = plain(doing);
  const { unit, stream = process.stderr, delay = 1000, every = 10_000 } = options;
  const started = performance.now();
  const seconds = () => (performance.now() - started) / 1000;
  const rate = (done: number) => `${formatRate(done / Math.max(seconds(), 1e-3))} ${unit}/s`;
  let [done, stopped, lastLine] = [0, false, started];
  let bar: cliProgress.SingleBar | undefined;

  const left = () => (done > 0 ? formatSeconds((seconds() / done) * Math.max(total - done, 0)) : 'unknown');
  const line = (text: string) => stream.write(`${label}: ${text}\n`);
  return {
    update(now) {
      done = now;
      const elapsed = performance.now() - started;
      if (stopped || elapsed < delay) return;
      if (stream.isTTY) {
        if (!bar) {
          bar = new cliProgress.SingleBar({
            stream,
            format: (barOptions, params, payload: { rate: string; left: string }) =>
              `${label} ${cliProgress.Format.BarFormat(params.progress, barOptions)} ${params.value}/${params.total} ${unit}` +
              `  ${payload.rate}  ${payload.left} left`,
            barCompleteChar: '━',
            barIncompleteChar: '─',
            barsize: Math.max(8, Math.min(30, (stream.columns || 80) - label.length - unit.length - 50)),
            clearOnComplete: true,
            // Neither hides the cursor nor turns off line wrapping: an interrupted run could not put them back.
            hideCursor: false,
            linewrap: true,
            fps: 5,
          });
          bar.start(total, done, { rate: rate(done), left: left() });
        }
        bar.update(Math.min(done, total), { rate: rate(done), left: left() });
      } else if (performance.now() - lastLine >= every && done < total) {
        lastLine = performance.now();
        line(`${done} of ${total} ${unit}, ${rate(done)}, ${left()} left`);
      }
    },
    stop() {
      if (stopped) return;
      stopped = true;
      bar?.stop();
      if (performance.now() - started >= delay)
        line(`${done} of ${total} ${unit} in ${formatSeconds(seconds())}, ${rate(done)}`);
    },
  };
}

function formatRate(rate: number): string {
  if (rate >= 1000) return String(Math.round(rate)).replace(/\B(?=(\d{3})+$)/g, ' ');
  return rate >= 10 ? rate.toFixed(0) : rate.toPrecision(2);
}
