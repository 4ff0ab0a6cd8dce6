/** The experiment: every study on every seed, then all of it as estimates, verdicts, figures and one page. */
import { join, relative } from 'node:path';
import { type Before, caveatsBefore } from '../ilf/caveats.js';
import { fittingTask } from '../ilf/fit.js';
import { heldOutTexts } from '../ilf/heldout.js';
import { openRunContext } from '../ilf/open.js';
import { isOracle, openScorer } from '../measure/open-scorer.js';
import type { LoopOptions } from '../pipeline/options.js';
import type { Reporter, RunContext } from '../pipeline/run-context.js';
import { openReader } from '../pipeline/too-long.js';
import type { ExperimentReport } from '../report/charts/figures.js';
import { figureChart, renderExperiment } from '../report/index.js';
import { type EventWriter, openEvents } from '../report/tensorboard.js';
import { writeFileAtomic } from '../store/atomic.js';
import { UserError } from '../store/errors.js';
import { requireFolderOf } from '../store/place.js';
import { writeTable } from '../store/tables.js';
import { openTask } from '../tasks/open.js';
import type { Task } from '../tasks/task.js';
import { openData } from './data.js';
import { documentOf, estimateRows, estimatesTable, experimentReport } from './page/report.js';
import { fitted, type Scale } from './scale.js';
import type { Study } from './study.js';
import type { StudyContext } from './study-context.js';
import { type ValueRow, valuesTable } from './value.js';
import { Values } from './values.js';

export interface ExperimentOptions {
  /** Where the results and the seeds' runs go. */
  dir: string;
  seeds: readonly number[];
  studies: readonly Study[];
  /** Made smaller where a person's own contexts are fewer. */
  scale: Scale;
  quick: boolean;
  /** The command that was given. */
  command: string;
  /** Of each seed's loop; its seed and sizes are the scale's. */
  loop: Omit<LoopOptions, 'seed' | 'contexts' | 'heldout'>;
  version: string;
}

export interface ExperimentOutcome {
  report: ExperimentReport;
  /** result.json, and what --json prints. */
  document: Record<string, unknown>;
}

/** Runs the studies, and writes values.arrow, estimates.arrow, result.json, report.html, and its main figure alone. */
export async function experiment(options: ExperimentOptions, show: Reporter): Promise<ExperimentOutcome> {
  const { dir, seeds, studies, quick, command, version, loop } = options;
  const isExperiments = (names: readonly string[]) => names.some((name) => /^seed-\d+$/.test(name));
  await requireFolderOf(dir, isExperiments, { whose: "an experiment's", option: '--out' });
  let task = await openTask(loop);
  if (loop.data !== null) task = await checkLengths(task, loop);
  const scale = loop.data === null ? options.scale : fitted(options.scale, task, loop.data);
  if (loop.data !== null) {
    const asked = studies.find(({ embedded }) => embedded);
    if (asked) throw new UserError(`the study ${asked.name} is about the embedded world alone; leave it out`);
  }
  const { rows, judge, before, seconds } = await runStudies(task, { ...options, scale }, show);
  const values = new Values(rows);
  const estimates = estimateRows(values);
  const report = experimentReport(values, {
    studies: studies.map(({ name }) => name),
    seeds,
    contexts: scale.heldout,
    task: loop.data === null ? null : task.name,
    judge,
    ...before,
    quick,
    command,
    version,
    options: {
      ...loop,
      base: fromHere(loop.base),
      refiner: fromHere(loop.refiner),
      critic: fromHere(loop.critic),
      judge: fromHere(loop.judge),
      data: loop.data && fromHere(loop.data),
      seed: seeds.join(', '),
    },
    seconds,
  });
  const document = documentOf(report, estimates);
  await writeTable(join(dir, 'values.arrow'), valuesTable, rows);
  await writeTable(join(dir, 'estimates.arrow'), estimatesTable, estimates);
  await writeFileAtomic(join(dir, 'report.html'), await renderExperiment(report));
  const main = report.sections[0]?.figures[0];
  if (main?.kind === 'frontier') {
    const { svg } = await figureChart(main);
    // Alone it has no page around it to give it paper and ink.
    const onPaper = svg.replace('<svg ', '<svg style="background:#fff;color:#1d2127" ');
    await writeFileAtomic(join(dir, 'frontier.svg'), onPaper);
  }
  await writeFileAtomic(join(dir, 'result.json'), `${JSON.stringify(document, null, 2)}\n`);
  return { report, document };
}

/** A path as a reader elsewhere can understand it: from the folder that the command was given in, where it is below that. */
function fromHere(path: string): string {
  const short = relative('.', path);
  return short.startsWith('..') ? path : short;
}

/** Runs what was not run before; the values of all seeds, and what all steps took. */
async function runStudies(
  task: Task,
  options: ExperimentOptions,
  show: Reporter,
): Promise<{ rows: ValueRow[]; judge: string; before: Before; seconds: number }> {
  const rows: ValueRow[] = [];
  let seconds = 0;
  let judge = '';
  let before: Before | undefined;
  for (const seed of options.seeds) {
    const events = laterEvents(join(options.dir, 'tensorboard', `seed-${seed}`));
    const run = await openSeed(task, options, seed, { ...show, scalar: events.scalar });
    try {
      // Once: every seed has the same models and texts. Scores are the scorer's here, no model decides wins.
      before ??= await caveatsBefore(run, false);
      const study = await openWorld(run, options.scale);
      for (const { name, valuesIn } of options.studies)
        for (const value of await valuesIn(study)) rows.push({ seed, study: name, ...value });
      judge = study.oracle ? `oracle: ${study.scorer.unit}` : study.scorer.unit;
      seconds += run.folder.seconds();
    } finally {
      await run.close();
      await events.close();
    }
  }
  return { rows, judge, before: before ?? { caveats: [] }, seconds };
}

/** For TensorBoard, while it runs; a file only once there is something to write. */
function laterEvents(dir: string): Pick<EventWriter, 'scalar' | 'close'> {
  let events: EventWriter | undefined;
  return {
    scalar: (...of) => {
      events ??= openEvents(dir);
      events.scalar(...of);
    },
    close: async () => events?.close(),
  };
}

async function openSeed(
  task: Task,
  { dir, scale, loop, version }: ExperimentOptions,
  seed: number,
  show: Reporter,
): Promise<RunContext> {
  const { skipTooLong: _, ...rest } = loop;
  const options = { ...rest, seed, contexts: scale.sizes.at(-1)!, heldout: scale.heldout };
  return openRunContext(task, options, { dir: join(dir, `seed-${seed}`), fresh: false, version }, show);
}

async function openWorld(run: RunContext, scale: Scale): Promise<StudyContext> {
  const heldOut = await heldOutTexts(run, scale.heldout, scale.heldoutFrom);
  const scorer = await openScorer(run.options, heldOut.contexts);
  if (!scorer) throw new UserError(`${run.task.name} has no scorer: there is nothing to measure by`);
  const data = await openData(run, scale.sizes.at(-1)!);
  return { run, scale, scorer, oracle: isOracle(scorer) ? scorer : null, heldOut, data };
}

/** The task, whose contexts fit. The longest that models learn are references, and feedback with a refinement. @throws UserError as `checkFit` */
async function checkLengths(
  task: Task,
  { base, refiner, critic, judge, maxTokens, skipTooLong }: ExperimentOptions['loop'],
): Promise<Task> {
  const readers = {
    base: await openReader(base),
    refiner: await openReader(refiner),
    critic: await openReader(critic),
    judge: await openReader(judge),
  };
  let fits = task;
  const left: string[] = [];
  const how = { skip: skipTooLong === true, tell: (line: string) => left.push(line) };
  for (const targets of ['gold', 'feedback-refinement'])
    fits = fittingTask(fits, readers, { maxTokens, targets }, how);
  // They follow what must be known first.
  return Object.assign(Object.create(fits) as Task, { notices: [...(task.notices ?? []), ...left] });
}
