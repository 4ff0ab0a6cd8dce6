/** Step 6 by a task's oracle: what held-out texts are worth, and what that says of the model, the refiner and the ranker. */
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
  measureRanking,
  type OutputScores,
  type PickRates,
} from './estimates.js';
import { type Oracle, openOracle } from './open-scorer.js';
import { flatly } from './scored.js';

/** What is the same for every model that is measured: of the refinements and the ranker. */
export interface RefiningQuality {
  measures: Pick<Measures, 'incorporated' | 'ranking'>;
  rankingIncorporated: PickRates;
  byKind: ByKind;
  /** The scores of x0 [context], and of the refinement that the ranker picked. */
  initial: number[];
  picked: number[];
  /** The ranker's score of every refinement beside how much of the feedback it settles. */
  ranked: RankedPoint[];
}

/** Who says what texts are worth. */
export interface Quality {
  /** What the score is, for people. */
  readonly unit: string;
  readonly refining: RefiningQuality;
  /** Of a model by its outputs, one for each held-out context, against π_0's. */
  ofOutputs(
    outputs: readonly { context: string; text: string }[],
  ): Promise<{ measures: Pick<Measures, 'score' | 'winRate'>; scores: OutputScores }>;
}

/** Null where the task has no oracle for these contexts, or none that knows what this feedback asks for: a judge has to say then. */
export async function openQuality(
  choice: Pick<TaskChoice, 'task'>,
  heldOut: HeldOut,
): Promise<Quality | null> {
  if (!hasPoints(heldOut)) return null;
  const oracle = await openOracle(choice, heldOut.contexts);
  if (!oracle) return null;
  const { contexts } = heldOut;
  const scoresOf = (texts: readonly string[]) =>
    oracle.score(contexts.map((context, i) => ({ context, text: texts[i]! })));
  const outputsOf = (rows: readonly { context: string; text: string }[], table: string) => {
    const row = rowOf(rows, table);
    return contexts.map((context) => row(context).text);
  };
  const base = await scoresOf(outputsOf(heldOut.base, 'the table of outputs'));
  const gold = contexts.every((context) => context.gold !== undefined)
    ? await scoresOf(contexts.map((context) => context.gold!))
    : undefined;
  const initial = await scoresOf(outputsOf(heldOut.initial, 'the table of initial outputs'));
  return {
    unit: oracle.unit,
    refining: { ...(await refiningQuality(oracle, heldOut)), initial },
    ofOutputs: async (outputs) => {
      const tuned = await scoresOf(outputsOf(outputs, 'the table of outputs'));
      const scores = { base, tuned, ...(gold && { gold }) };
      return { measures: measureOutputs(scores), scores };
    },
  };
}

async function refiningQuality(oracle: Oracle, heldOut: HeldOut): Promise<Omit<RefiningQuality, 'initial'>> {
  const { contexts } = heldOut;
  const says = rowOf(heldOut.feedback, 'the table of feedback');
  const check = (context: Context, text: string) => ({ context, text, points: pointsIn(says(context)) });
  const texts = textsOf(contexts, heldOut.refinements);
  const settled = (of: string[][]) => flatly(contexts, of, check, oracle.feedback.incorporated);
  const feedback = await settled(texts);
  const noFeedback = await settled(textsOf(contexts, heldOut.noFeedback));
  const shuffledFeedback = await settled(textsOf(contexts, heldOut.shuffledFeedback));
  const scores = await flatly(contexts, texts, (context, text) => ({ context, text }), oracle.score);
  const ranks = ranksOf(contexts, heldOut.scores);
  const { ranking, rankingIncorporated } = measureRanking(
    contexts.map((_, i) => ({
      ...ranks[i]!,
      texts: texts[i]!,
      scores: scores[i]!,
      settled: feedback[i]!,
    })),
  );
  return {
    measures: { ...measureIncorporated({ feedback, noFeedback, shuffledFeedback }), ranking },
    rankingIncorporated,
    byKind: measureByKind(await flatly(contexts, texts, check, oracle.feedback.byKind)),
    picked: ranks.map(({ selected }, i) => scores[i]![selected]!),
    ranked: contexts.flatMap(({ id }, i) =>
      feedback[i]!.map((share, j) => ({ context: id, ranker: ranks[i]!.ranks[j]!, oracle: share })),
    ),
  };
}
