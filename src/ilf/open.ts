/** Opens all that a loop needs, and finds what is wrong with it before anything is written. */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { findSource } from '../feedback/registry.js';
import { ModelCache } from '../pipeline/model-cache.js';
import { openFolder, type RunPlace } from '../pipeline/open-folder.js';
import { contextsPerRound, type LoopOptions, rankerOptionsOf, samplingOf } from '../pipeline/options.js';
import type { Reporter, RunContext } from '../pipeline/run-context.js';
import { openReader, type Reader, readerOf, refuseTooLong } from '../pipeline/too-long.js';
import type { Ranker } from '../rankers/ranker.js';
import { findRanker } from '../rankers/registry.js';
import { UserError } from '../store/errors.js';
import { canonicalJson, hashText, type Json } from '../store/hash.js';
import type { Run } from '../store/run.js';
import type { Context, Task } from '../tasks/task.js';
import { checkFit, fittingTask, type Readers } from './fit.js';
import { goldOf, targetKind } from './target-kinds.js';

/** @throws UserError for models or data that cannot be used, and a folder that is no run's or another process's */
export async function openRunContext(
  whole: Task,
  asked: LoopOptions,
  place: Omit<RunPlace, 'dir'> & {
    /** Undefined: checkpoints/NAME, where equal options give equal names. */
    dir: string | undefined;
  },
  reporter: Reporter,
): Promise<RunContext> {
  const dir = place.dir ?? resolve('checkpoints', runName(whole, asked));
  const notices = [...(whole.notices ?? [])];
  const task = asked.skipTooLong
    ? fittingTask(whole, await readersOf(whole, asked), asked, {
        skip: true,
        tell: (line) => notices.push(line),
      })
    : whole;
  const options = used(task, asked);
  checkTargets(task, options);
  const models = new ModelCache();
  const opened = new Map<string, Promise<Ranker>>();
  const ranker = (name: string) => {
    const open = opened.get(name) ?? findRanker(name).then((of) => of.open(rankerOptionsOf(task, options)));
    opened.set(name, open);
    return open;
  };
  // A run that goes on opens them when a step needs them; a new one must not begin with models that cannot be used.
  const check = async () => {
    if (!place.fresh && existsSync(join(dir, 'manifest.json'))) return;
    for (const model of [options.base, options.refiner, options.critic, options.judge])
      await models.get(model);
    const contexts = contextsRead(task, options);
    await findSource(options.feedback, task, contexts);
    if (options.data !== null) {
      const reader = async (model: string) => readerOf(await models.get(model));
      checkFit(task, contexts, await readersOf(task, options, reader), options, refuseTooLong);
      // The judge of data without an oracle.
      await ranker('instruct-rm');
    }
    await ranker(options.ranker);
  };
  const folder = await openFolder({ ...place, dir }, options, check);
  if (!place.fresh) tellChanges(folder, options, reporter);
  const close = async () => {
    await models.close();
    for (const open of opened.values()) await (await open).close?.();
    folder.close();
  };
  return { options, task, folder, models, ranker, reporter, notices, close };
}

/** The models as far as they say how long texts are; the critic where it is asked about any context. */
async function readersOf(
  task: Task,
  options: LoopOptions,
  open: (dir: string) => Promise<Reader> = openReader,
): Promise<Readers> {
  const { base, refiner, critic, judge, seed } = options;
  const contexts = contextsRead(task, used(task, options));
  const source = await findSource(options.feedback, task, contexts);
  const asked = source.inputs(contexts, { sampling: samplingOf(options), seed }).critic;
  return {
    base: await open(base),
    refiner: await open(refiner),
    critic: asked ? await open(critic) : null,
    judge: await open(judge),
  };
}

/** The options with as many contexts as there are. */
const used = (task: Task, options: LoopOptions): LoopOptions => ({
  ...options,
  contexts: contextsPerRound(task, options),
  heldout: Math.min(options.heldout, task.size('heldout')),
});

/** A folder that goes on with other options keeps only what does not depend on them: that is said before anything is made again. */
function tellChanges({ dir, before = {} }: Run, options: LoopOptions, reporter: Reporter): void {
  const now = options as unknown as Record<string, Json>;
  const changes = Object.keys(before)
    .filter((name) => JSON.stringify(before[name]) !== JSON.stringify(now[name] ?? null))
    .map((name) => `${name} ${JSON.stringify(before[name])}, now ${JSON.stringify(now[name] ?? null)}`);
  if (changes.length > 0)
    reporter.notice?.(
      `${dir} was made with other options (${changes.join('; ')}): what depends on them is made again in place of what is there; another --run keeps both`,
    );
}

/** Every context that the run learns from or measures on. */
function contextsRead(task: Task, options: LoopOptions): Context[] {
  const { heldout, contexts, rounds } = options;
  return [...task.contexts('heldout', 0, heldout), ...task.contexts('ilf', 0, contexts * rounds)];
}

/** @throws UserError where the contexts cannot give what the targets need */
function checkTargets(task: Task, options: LoopOptions): void {
  const { name, condition } = targetKind(options.targets);
  const { contexts: n, rounds } = options;
  if (name === 'gold') task.contexts('ilf', 0, n * rounds).forEach(goldOf);
  if (condition === 'other' && n < 2)
    throw new UserError('shuffled feedback needs 2 contexts a round or more');
}

/**
 * The task, and 8 hexadecimal digits of the options: readable, and the same command finds its run again. β alone changes the report
 * and not the run, unless the targets are made by it.
 */
function runName(task: Task, options: LoopOptions): string {
  const safe = task.name.replace(/[^\w.-]+/g, '-').slice(0, 40) || 'data';
  const { beta, ...others } = options;
  const named = targetKind(options.targets).reads.includes('beta') ? { beta, ...others } : others;
  return `${safe}-${hashText(canonicalJson(named as unknown as Json)).slice(0, 8)}`;
}
