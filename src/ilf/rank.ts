/** Step 4: R of every refinement, and its argmax. */
import { type RankerChoice, rankerOptionsOf } from '../pipeline/options.js';
import type { Progress } from '../pipeline/progress.js';
import { readRows } from '../pipeline/read-rows.js';
import { type RunContext, tableStep } from '../pipeline/run-context.js';
import {
  candidatesByContext,
  feedbackTable,
  initialTable,
  readContexts,
  refinementsTable,
  rowOf,
  type ScoreRow,
  scoresTable,
  type TextRow,
} from '../pipeline/tables.js';
import { fitting, inTables, type TooLong } from '../pipeline/too-long.js';
import type { Candidate, Ranker, RankerOptions } from '../rankers/ranker.js';
import { findRanker } from '../rankers/registry.js';
import { UserError } from '../store/errors.js';
import { writeTable } from '../store/tables.js';
import { type Context, contextName, type Task } from '../tasks/task.js';

type Texts = readonly { context: string; text: string }[];

/** What there is to judge: texts of the contexts, made from x0 by following f. */
export interface Judged {
  contexts: readonly Context[];
  initial: Texts;
  feedback: Texts;
  texts: readonly Pick<TextRow, 'context' | 'candidate' | 'text'>[];
}

/** A context's refinements, in the order of their numbers. */
export interface RankGroup {
  id: string;
  candidates: number[];
  group: Candidate[];
}

export function toRank({ contexts, initial, feedback, texts }: Judged): RankGroup[] {
  const groups = candidatesByContext(texts);
  const [tells, says] = [
    rowOf(initial, 'the table of initial outputs'),
    rowOf(feedback, 'the table of feedback'),
  ];
  return contexts.map((context) => {
    const rows = groups.get(context.id) ?? [];
    return {
      id: context.id,
      candidates: rows.map(({ candidate }) => candidate),
      group: rows.map(({ text }) => ({
        context: context.text,
        initial: tells(context).text,
        feedback: says(context).text,
        refinement: text,
      })),
    };
  });
}

/** R of each, and the argmax of each context (the first of equals). `label`: the ranker's. */
export async function rank(
  ranker: Ranker,
  label: string,
  items: readonly RankGroup[],
  progress: Progress,
): Promise<ScoreRow[]> {
  const total = items.reduce((sum, { group }) => sum + group.length, 0);
  const scores = await ranker.score(
    items.map(({ group }) => group),
    (done) => progress(`ranking by ${label}`, Math.round(done * total), total, 'texts'),
  );
  return items.flatMap(({ id, candidates }, i) => {
    const of = scores[i]!;
    if (!of.every(({ score, perPrompt }) => [score, ...perPrompt].every(Number.isFinite)))
      throw new UserError(
        `the ranker ${label} gives context ${id} a score that is no finite number; mend it, or take another ranker`,
      );
    const best = of.reduce((b, { score }, j) => (score > of[b]!.score ? j : b), 0);
    return of.map(({ score, perPrompt }, j) => ({
      context: id,
      candidate: candidates[j]!,
      per_prompt: perPrompt,
      mean: score,
      selected: j === best,
    }));
  });
}

/** R(x1) by the run's ranker: the table `folder`/scores. */
export const rankStep = (run: RunContext, folder: string, judged: Judged): Promise<ScoreRow[]> =>
  scoresStep(run, `${folder}/scores`, run.options.ranker, judged, [
    ...['contexts', 'initial', 'feedback', 'refinements'].map((table) => `${folder}/${table}`),
  ]);

/**
 * What a ranker says of any texts: the table `name`. `tables` are those that everything here was read from; `models` are folders of
 * trained rankers in place of the run's own.
 */
export async function scoresStep(
  run: RunContext,
  name: string,
  ranker: string,
  judged: Judged,
  tables: readonly string[],
  models: Partial<Pick<RankerOptions, 'rewardModel' | 'humanLikeness'>> = {},
): Promise<ScoreRow[]> {
  const descriptor = await findRanker(ranker);
  const options = { ...rankerOptionsOf(run.task, run.options), ...models };
  const from = descriptor.madeFrom(options);
  const inputs = {
    tables,
    models: from.models,
    modules: [ranker],
    values: { ranker: descriptor.name, from: from.values ?? null },
  };
  return tableStep(run, name, scoresTable, inputs, async (progress) => {
    const own = Object.keys(models).length === 0;
    const opened = own ? await run.ranker(ranker) : await descriptor.open(options);
    try {
      return await rank(opened, descriptor.label, toRank(judged), progress);
    } finally {
      if (!own) await opened.close?.();
    }
  });
}

export interface RankCommand extends RankerChoice {
  task: Task;
  contexts: string;
  initial: string;
  feedback: string;
  refinements: string;
  out: string;
  tooLong: TooLong;
}

export async function rankCommand(of: RankCommand, progress: Progress): Promise<void> {
  const descriptor = await findRanker(of.ranker);
  const options = rankerOptionsOf(of.task, of);
  descriptor.madeFrom(options);
  const all = await readContexts(of.contexts);
  const tells = await readRows(of.initial, initialTable, all, of.contexts);
  const says = await readRows(of.feedback, feedbackTable, all, of.contexts);
  const texts = await readRows(of.refinements, refinementsTable, all, of.contexts);
  const contexts = inTables(all, of.tooLong, tells, says, texts);
  const every = toRank({
    contexts,
    initial: contexts.map(rowOf(tells, of.initial)),
    feedback: contexts.map(rowOf(says, of.feedback)),
    texts,
  });
  const empty = every.find(({ group }) => group.length === 0);
  if (empty) throw new UserError(`${of.refinements} has no refinement of context ${empty.id}`);
  const ranker = await descriptor.open(options);
  try {
    const items = fitting(
      every,
      'contexts',
      contextName,
      ({ group }) => group.flatMap((candidate) => ranker.needs?.(candidate) ?? []),
      of.tooLong,
    );
    await writeTable(of.out, scoresTable, await rank(ranker, descriptor.label, items, progress));
  } finally {
    await ranker.close?.();
  }
}
