import type { Progress } from '../pipeline/progress.js';
import { byContext, type ScoreRow, type TextRow } from '../pipeline/tables.js';
import type { Candidate, Ranker } from '../rankers/ranker.js';
import type { Context } from '../tasks/task.js';

/** What each context's refinements are judged on, [context][candidate]. */
export function toRank(
  contexts: readonly Context[],
  initial: readonly { text: string }[],
  feedback: readonly { text: string }[],
  texts: readonly TextRow[],
): { id: string; group: Candidate[] }[] {
  const groups = byContext(texts);
  return contexts.map(({ id, text }, i) => ({
    id,
    group: (groups.get(id) ?? []).map((row) => ({
      context: text,
      initial: initial[i]!.text,
      feedback: feedback[i]!.text,
      refinement: row.text,
    })),
  }));
}

/** Step 4: R of every refinement, and the argmax of each context (the first of equals). */
export async function rank(
  ranker: Ranker,
  items: ReturnType<typeof toRank>,
  onProgress: Progress,
): Promise<ScoreRow[]> {
  const total = items.reduce((sum, { group }) => sum + group.length, 0);
  const scores = await ranker.score(
    items.map(({ group }) => group),
    (done) => onProgress(`ranking by ${ranker.name}`, Math.round(done * total), total, 'texts'),
  );
  return items.flatMap(({ id }, i) => {
    const of = scores[i]!;
    const best = of.reduce((b, { score }, j) => (score > of[b]!.score ? j : b), 0);
    return of.map(({ score, perPrompt }, candidate) => ({
      context: id,
      candidate,
      per_prompt: perPrompt,
      mean: score,
      selected: candidate === best,
    }));
  });
}
