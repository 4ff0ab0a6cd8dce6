/** The whole of ILF as one call: what `node train.js` does. */
import type { Report } from '../report/run/types.js';
import { check, shapes } from './check.js';
import { ensureEngine } from './engine.js';
import { runTask } from './run-task.js';
import { checkSettings, type LoopSettings } from './settings.js';
import { type Watch, watched } from './watch.js';

export interface LoopWatch extends Watch {
  /** A step is over; `ran`: it was not there yet. */
  onStep?: ((step: string, ran: boolean) => void) | undefined;
  /** A number of a training: its tag ("round-1/loss"), the training's step, the value. */
  onScalar?: ((tag: string, step: number, value: number) => void) | undefined;
  /** What a person should know before the results: that the models do not know such texts, for one. */
  onNotice?: ((line: string) => void) | undefined;
}

export interface LoopResult {
  /** The run's folder: every table, the tuned models, result.json, report.html. */
  dir: string;
  /** What result.json holds (docs/files.md). */
  result: Record<string, unknown>;
  /** What the page and the terminal are made from. */
  report: Report;
}

/**
 * Runs the loop, or goes on with it where it was interrupted; writes result.json and report.html into its folder. Engines are chosen by
 * `startEngine`.
 * @throws UserError for data, models and settings that cannot be used; the signal's reason, where it was aborted: the same call then goes on
 */
export async function runLoop(settings: LoopSettings = {}, watch: LoopWatch = {}): Promise<LoopResult> {
  check('runLoop', shapes.loop, settings);
  check('runLoop', shapes.loopWatch, watch);
  const task = await checkSettings(settings);
  const { dir, outcome } = await runTask(task, settings, await ensureEngine(), {
    progress: watched(watch),
    scalar: (...of) => watch.onScalar?.(...of),
    done: (...of) => watch.onStep?.(...of),
    notice: (line) => watch.onNotice?.(line),
  });
  return { dir, result: outcome.document, report: outcome.report };
}
