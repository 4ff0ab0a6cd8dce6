/** Step 3: x1¹..x1ᴺ ~ π_ψ(·|c, x0, f), with log-probabilities under π_ψ and under π_0. */
import { withModels } from '../pipeline/model-cache.js';
import { samplingOf } from '../pipeline/options.js';
import { type Progress, texts } from '../pipeline/progress.js';
import { readRows } from '../pipeline/read-rows.js';
import { type RunContext, tableStep } from '../pipeline/run-context.js';
import { type Place, seedOf, stepSeed } from '../pipeline/seeds.js';
import {
  feedbackTable,
  initialTable,
  type RefinementRow,
  readContexts,
  refinementsTable,
  rowOf,
} from '../pipeline/tables.js';
import { fitting, inTables, need, readerOf, type TooLong } from '../pipeline/too-long.js';
import { UserError } from '../store/errors.js';
import { writeTable } from '../store/tables.js';
import type { Prompts } from '../tasks/prompts.js';
import { type Context, contextName, outputPrompt, type Task } from '../tasks/task.js';
import { localWriter } from '../writers/local.js';
import type { Sampling, Writer, Written } from '../writers/writer.js';

/** What the refiner is told: a context's own feedback; nothing, or another context's, the controls. */
export type FeedbackCondition = 'own' | 'none' | 'other';

/** What is to be refined. Without feedback the refiner is told nothing: the control. */
export interface ToRefine {
  context: Context;
  initial: string;
  feedback: string | null;
}

type Texts = readonly { context: string; text: string }[];

/**
 * What the refiner is given, in the contexts' order; `feedback` may be empty where it is told none. Another context's feedback is
 * that of the next one. @throws UserError where there is no other context, or a context has no row
 */
export function toRefine(
  contexts: readonly Context[],
  initial: Texts,
  feedback: Texts,
  condition: FeedbackCondition = 'own',
): ToRefine[] {
  if (condition === 'other' && contexts.length < 2)
    throw new UserError('shuffled feedback needs 2 contexts or more');
  const [tells, says] = [
    rowOf(initial, 'the table of initial outputs'),
    rowOf(feedback, 'the table of feedback'),
  ];
  const shown = (i: number) => {
    if (condition === 'none') return null;
    return says(contexts[condition === 'own' ? i : (i + 1) % contexts.length]!).text;
  };
  return contexts.map((context, i) => ({ context, initial: tells(context).text, feedback: shown(i) }));
}

/** A candidate that says what another says already, or nothing, is sampled again this often at most; then it stays. */
const RETRIES = 3;

/** How candidates are sampled. */
export interface Refining {
  task: Task;
  /** N. */
  samples: number;
  sampling: Sampling;
  seed: number;
  /** What the items tell the refiner, for the table; 'own' where it is left out. */
  condition?: FeedbackCondition;
}

/** What the refiner reads. */
export const refinerPrompt = (prompts: Prompts, { context, initial, feedback }: ToRefine) => ({
  text:
    feedback === null
      ? prompts.improve(context.text, initial)
      : prompts.refine(context.text, initial, feedback),
  name: contextName(context),
});

/** N candidates for each item, different ones where the model has different ones to give. */
export async function sampleCandidates(
  refiner: Writer,
  items: readonly ToRefine[],
  { task, samples: n, sampling, seed }: Refining,
  progress: Progress,
): Promise<Written[][]> {
  const prompts = items.map((item) => refinerPrompt(task.prompts, item));
  const write = (some: readonly number[], each: number, from: number, doing: string) =>
    refiner.write(
      some.map((i) => prompts[i]!),
      each,
      { ...sampling, format: task.format.output, seed: from },
      texts(progress, doing),
    );
  const drawn = await write([...items.keys()], n, seed, 'sampling refinements');
  for (let retry = 1; retry <= RETRIES; retry++) {
    const again = [...items.keys()].filter((i) => duplicates(drawn[i]!).length > 0);
    if (again.length === 0) break;
    const most = Math.max(...again.map((i) => duplicates(drawn[i]!).length));
    const anew = (seed + retry * 0x9e3779b1) >>> 1;
    const fresh = await write(again, most, anew, 'sampling repeated ones again');
    again.forEach((i, k) => {
      const candidates = drawn[i]!;
      for (const [j, slot] of duplicates(candidates).entries()) candidates[slot] = fresh[k]![j]!;
    });
  }
  return drawn;
}

/** Which candidates repeat an earlier one or are empty. */
function duplicates(candidates: readonly Written[]): number[] {
  const said = candidates.map(({ text }) => text);
  return said.flatMap((text, i) => (text === '' || said.indexOf(text) < i ? [i] : []));
}

/** Candidates with how likely π_ψ, where it can tell, and π_0 find them. */
export async function refine(
  refiner: Writer,
  base: Required<Writer>,
  items: readonly ToRefine[],
  how: Refining,
  progress: Progress,
): Promise<RefinementRow[]> {
  const { prompts } = how.task;
  const candidates = await sampleCandidates(refiner, items, how, progress);
  const flat = items.flatMap((item, i) =>
    candidates[i]!.map((written, candidate) => ({ item, candidate, written })),
  );
  const said = flat.map(({ written }) => written);
  const underRefiner = await refiner.score?.(
    flat.map(({ item }) => refinerPrompt(prompts, item)),
    said,
    texts(progress, 'scoring under the refiner'),
  );
  const underBase = await base.score(
    flat.map(({ item: { context } }) => outputPrompt(prompts, context)),
    said,
    texts(progress, 'scoring under the base model'),
  );
  return flat.map(({ item, candidate, written }, i) => ({
    context: item.context.id,
    candidate,
    ...written,
    logprob_refiner: underRefiner?.[i] ?? null,
    logprob_base: underBase[i]!,
    told: how.condition ?? 'own',
  }));
}

/** The tables of refinements, by what the refiner was told. */
export const refinementsNamed = {
  own: 'refinements',
  none: 'no-feedback',
  other: 'shuffled-feedback',
} as const satisfies Record<FeedbackCondition, string>;

/** What the refiner reads of a folder's tables. */
export const tablesRead = (folder: string, condition: FeedbackCondition): string[] =>
  ['contexts', 'initial', ...(condition === 'none' ? [] : ['feedback'])].map((table) => `${folder}/${table}`);

/** The table `folder`/refinements, or that of another condition. */
export function refineStep(
  run: RunContext,
  folder: string,
  contexts: readonly Context[],
  initial: readonly { context: string; text: string }[],
  feedback: readonly { context: string; text: string }[],
  condition: FeedbackCondition = 'own',
): Promise<RefinementRow[]> {
  const { task, options } = run;
  const { base, refiner, samples } = options;
  const name = refinementsNamed[condition];
  const sampling = samplingOf(options);
  const seed = stepSeed(options.seed, folder, condition === 'own' ? 'refine' : name);
  const inputs = {
    tables: tablesRead(folder, condition),
    models: [refiner, base],
    values: { ...sampling, samples, seed, format: task.format.output.name },
  };
  return tableStep(run, `${folder}/${name}`, refinementsTable, inputs, async (progress) => {
    const items = toRefine(contexts, initial, feedback, condition);
    const [psi, prior] = [await run.models.get(refiner), await run.models.get(base)];
    const how = { task, samples, sampling, seed, condition };
    return refine(localWriter(psi), localWriter(prior), items, how, progress);
  });
}

export interface RefineCommand extends Omit<Refining, 'seed'> {
  contexts: string;
  initial: string;
  feedback: string;
  /** Folders of π_ψ and π_0. */
  refiner: string;
  base: string;
  out: string;
  place: Place;
  tooLong: TooLong;
}

export async function refineCommand(
  { contexts: path, initial, feedback, refiner, base, out, place, tooLong, ...how }: RefineCommand,
  progress: Progress,
): Promise<void> {
  const all = await readContexts(path);
  const tells = await readRows(initial, initialTable, all, path);
  const says = await readRows(feedback, feedbackTable, all, path);
  const contexts = inTables(all, tooLong, tells, says);
  const every = toRefine(contexts, contexts.map(rowOf(tells, initial)), contexts.map(rowOf(says, feedback)));
  const rows = await withModels(async (models) => {
    const [psi, prior] = [await models.get(refiner), await models.get(base)];
    const seed = seedOf(place, 'refine');
    const { prompts } = how.task;
    const { maxTokens } = how.sampling;
    const items = fitting(
      every,
      'contexts',
      ({ context }) => contextName(context),
      (item) => [
        need(readerOf(psi), maxTokens, refinerPrompt(prompts, item).text),
        need(readerOf(prior), maxTokens, prompts.write(item.context.text)),
      ],
      tooLong,
    );
    return refine(localWriter(psi), localWriter(prior), items, { ...how, seed }, progress);
  });
  await writeTable(out, refinementsTable, rows);
}
