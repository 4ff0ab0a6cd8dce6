/**
 * Step 6 by a task's scorer: what held-out texts are worth, and what that says of the model, the refiner and the ranker. A scorer may
 * know outputs and not feedback, or not this feedback, or not all contexts: what it knows is measured, and a judge has to say the rest.
 */
import { type HeldOut, hasPoints, pointsIn, ranksOf, textsOf } from '../pipeline/held-out.js';
import { rowOf } from '../pipeline/tables.js';
import type { Measures, RankedPoint } from '../report/run/types.js';
import type { TaskChoice } from '../tasks/open.js';
import type { Context } from '../tasks/task.js';
import {
  type ByKind,
  measureByKind,
  measureIncorporated,
  measureOutputs,
  measurePicks,
  measureRanking,
  type OutputScores,
  type PickRates,
} from './estimates.js';
import { isOracle, type Oracle, openScorerOfSome } from './open-scorer.js';
import { flatly } from './scored.js';

/** What is the same for every model that is measured: of the refinements and the ranker, by their feedback. */
export interface RefiningQuality {
  measures: Required<Pick<Measures, 'incorporated'>>;
  order: Pick<NonNullable<Measures['ranking']>, 'pairAccuracy' | 'pooledAuc'>;
  rankingIncorporated: PickRates;
  byKind: ByKind;
  /** The ranker's score of every refinement beside how much of the feedback it settles. */
  ranked: RankedPoint[];
}

/** Who says what texts are worth. */
export interface Quality {
  /** What the score is, for people. */
  readonly unit: string;
  /** Whether it also says which of two outputs wins: not where it is likeness to the reference. */
  readonly decides: boolean;
  /** Null where it does not know what this feedback asks for. */
  readonly refining: RefiningQuality | null;
  readonly measures: Pick<Measures, 'incorporated' | 'ranking'>;
  /** By a context's id, of those that it can score: the scores of x0, of π_0's own output, of the refinement that the ranker picked. */
  readonly ofSamples: ReadonlyMap<string, { initial: number; base: number; refinement: number }>;
  /** Of a model by its outputs, one for each held-out context, against π_0's. `ids`: the contexts of the scores. */
  ofOutputs(
    outputs: readonly { context: string; text: string }[],
  ): Promise<{ measures: Pick<Measures, 'score' | 'winRate'>; scores: OutputScores; ids: string[] }>;
}

/** Whether wins of outputs for these contexts are a judge's to decide. */
export async function needsJudge(
  choice: Pick<TaskChoice, 'task'>,
  contexts: readonly Context[],
): Promise<boolean> {
  const opened = await openScorerOfSome(choice, contexts);
  return opened === null || opened.scorer.ofReference === true;
}

/** Null where the task has no scorer for any of these contexts. */
export async function openQuality(
  choice: Pick<TaskChoice, 'task'>,
  heldOut: HeldOut,
): Promise<Quality | null> {
  const opened = await openScorerOfSome(choice, heldOut.contexts);
  if (!opened) return null;
  const { scorer, contexts } = opened;
  const decides = scorer.ofReference !== true;
  const scoresOf = (texts: readonly string[]) =>
    scorer.score(contexts.map((context, i) => ({ context, text: texts[i]! })));
  const outputsOf = (rows: readonly { context: string; text: string }[], table: string) => {
    const row = rowOf(rows, table);
    return contexts.map((context) => row(context).text);
  };
  const base = await scoresOf(outputsOf(heldOut.base, 'the table of outputs'));
  const gold =
    decides && contexts.every((context) => context.gold !== undefined)
      ? await scoresOf(contexts.map((context) => context.gold!))
      : undefined;
  const initial = await scoresOf(outputsOf(heldOut.initial, 'the table of initial outputs'));
  const texts = textsOf(contexts, heldOut.refinements);
  const ranks = ranksOf(contexts, heldOut.scores);
  const refined = await flatly(contexts, texts, (context, text) => ({ context, text }), scorer.score);
  const picks = measurePicks(
    ranks.map((of, i) => ({ ...of, texts: texts[i]! })),
    refined,
  );
  const refining = isOracle(scorer) && hasPoints(heldOut) ? await refiningQuality(scorer, heldOut) : null;
  return {
    unit: scorer.unit,
    decides,
    refining,
    measures: { ...refining?.measures, ranking: { ...picks, ...refining?.order } },
    ofSamples: new Map(
      contexts.map(({ id }, i) => [
        id,
        { initial: initial[i]!, base: base[i]!, refinement: refined[i]![ranks[i]!.selected]! },
      ]),
    ),
    ofOutputs: async (outputs) => {
      const tuned = await scoresOf(outputsOf(outputs, 'the table of outputs'));
      const scores = { base, tuned, ...(gold && { gold }) };
      const { score, winRate } = measureOutputs(scores);
      return {
        measures: { score, ...(decides && { winRate }) },
        scores,
        ids: contexts.map(({ id }) => id),
      };
    },
  };
}

async function refiningQuality(oracle: Oracle, heldOut: HeldOut): Promise<RefiningQuality> {
  const { contexts } = heldOut;
  const says = rowOf(heldOut.feedback, 'the table of feedback');
  const check = (context: Context, text: string) => ({ context, text, points: pointsIn(says(context)) });
  const texts = textsOf(contexts, heldOut.refinements);
  const settled = (of: string[][]) => flatly(contexts, of, check, oracle.feedback.incorporated);
  const feedback = await settled(texts);
  const noFeedback = await settled(textsOf(contexts, heldOut.noFeedback));
  const shuffledFeedback = await settled(textsOf(contexts, heldOut.shuffledFeedback));
  const ranks = ranksOf(contexts, heldOut.scores);
  const { order, incorporated } = measureRanking(
    ranks.map((of, i) => ({ ...of, texts: texts[i]! })),
    feedback,
  );
  return {
    measures: measureIncorporated({ feedback, noFeedback, shuffledFeedback }),
    order,
    rankingIncorporated: incorporated,
    byKind: measureByKind(await flatly(contexts, texts, check, oracle.feedback.byKind)),
    ranked: contexts.flatMap(({ id }, i) =>
      feedback[i]!.map((share, j) => ({ context: id, ranker: ranks[i]!.ranks[j]!, oracle: share })),
    ),
  };
}
