/**
 * What scores of texts on held-out contexts come to: the tuned model's outputs against the base model's and the reference;
 * refinements with, without and with another context's feedback; the ranker's pick against its controls. Pure functions of
 * numbers. A context is the unit: several texts of one context are resampled together.
 */
import {
  differenceEstimate,
  type Estimate,
  meanEstimate,
  type PerContext,
  winRate,
} from '../bayes/estimate.js';
import { pairAccuracy, pairPieces, pooledAuc, type RankedContext } from '../bayes/pairs.js';
import { lengthOf } from '../rankers/longest.js';
import type { Measures } from '../report/run/types.js';

/** Scores and shares lie in [0, 1], which gives intervals to measures that came out the same on every context. */
const share = { bounds: [0, 1] as [number, number] };
const difference = { bounds: [-1, 1] as [number, number] };

/** Scores of single outputs, [context]; `gold` where all contexts have a reference and the score is not likeness to that. */
export interface OutputScores {
  base: number[];
  tuned: number[];
  gold?: number[];
}

export function measureOutputs({
  base,
  tuned,
  gold,
}: OutputScores): Required<Pick<Measures, 'score' | 'winRate'>> {
  return {
    score: {
      base: meanEstimate(base, share),
      tuned: meanEstimate(tuned, share),
      ...(gold && { gold: meanEstimate(gold, share) }),
      tunedMinusBase: differenceEstimate(tuned, base, difference),
    },
    winRate: {
      tunedVsBase: winRate(tuned, base),
      ...(gold && { tunedVsGold: winRate(tuned, gold), baseVsGold: winRate(base, gold) }),
    },
  };
}

/** Shares of the feedback's points that refinements settle, [context][candidate], by what the refiner was told. */
export interface SettledShares {
  feedback: number[][];
  noFeedback: number[][];
  /** Made with another context's feedback; empty lists where there is no other context. */
  shuffledFeedback: number[][];
}

/** 1 where all points are settled: a refinement has incorporated its feedback then. */
const whole = (settled: readonly number[][]) => settled.map((of) => of.map((part) => (part === 1 ? 1 : 0)));

export function measureIncorporated({
  feedback,
  noFeedback,
  shuffledFeedback,
}: SettledShares): Required<Pick<Measures, 'incorporated'>> {
  return {
    incorporated: {
      feedback: meanEstimate(whole(feedback), share),
      noFeedback: meanEstimate(whole(noFeedback), share),
      ...(shuffledFeedback.every((of) => of.length > 0) && {
        shuffledFeedback: meanEstimate(whole(shuffledFeedback), share),
      }),
    },
  };
}

/** The refinements of one held-out context, [candidate] each. */
export interface RankedRefinements {
  texts: readonly string[];
  /** The ranker's, and which one it selected. */
  ranks: readonly number[];
  selected: number;
}

/** Means of a number of each refinement, [context][candidate], by who picks one. */
export function measurePicks(contexts: readonly RankedRefinements[], values: readonly number[][]): PickRates {
  const picked = contexts.map(({ selected }, i) => values[i]![selected]!);
  const longest = contexts.map(({ texts }, i) => values[i]![longestOf(texts)]!);
  return {
    picked: meanEstimate(picked, share),
    // The expectation of a random pick is the mean over the candidates, exactly.
    random: meanEstimate(values, share),
    longest: meanEstimate(longest, share),
    pickedMinusRandom: differenceEstimate(picked, values, difference),
  };
}

/**
 * Whether the ranker orders refinements as the oracle does, and how often its pick has incorporated the feedback. @param settled share
 * of the feedback's points, [context][candidate]
 */
export function measureRanking(
  contexts: readonly RankedRefinements[],
  settled: readonly number[][],
): { order: Pick<NonNullable<Measures['ranking']>, 'pairAccuracy' | 'pooledAuc'>; incorporated: PickRates } {
  const ranked = contexts.map(({ ranks }, i): RankedContext => ({ ranker: ranks, oracle: settled[i]! }));
  return {
    // Undefined where the oracle tells no two candidates of a context apart.
    order: pairPieces(ranked).some(({ weight }) => weight > 0)
      ? { pairAccuracy: pairAccuracy(ranked), pooledAuc: pooledAuc(ranked) }
      : {},
    incorporated: measurePicks(contexts, whole(settled)),
  };
}

/** Of the picked refinement, by who picks. */
export type PickRates = Record<'picked' | 'random' | 'longest' | 'pickedMinusRandom', Estimate>;
/** Share of points settled, by kind of point, over the contexts whose feedback has one. */
export type ByKind = Record<string, Estimate>;

/** @param settled each refinement's points, [context][candidate][point] */
export function measureByKind(settled: readonly { kind: string; settled: boolean }[][][]): ByKind {
  const kinds = new Map<string, number[][]>();
  for (const candidates of settled) {
    const ofContext = new Map<string, number[]>();
    for (const points of candidates)
      for (const { kind, settled: done } of points)
        ofContext.set(kind, [...(ofContext.get(kind) ?? []), done ? 1 : 0]);
    for (const [kind, values] of ofContext) kinds.set(kind, [...(kinds.get(kind) ?? []), values]);
  }
  return Object.fromEntries([...kinds].sort().map(([kind, values]) => [kind, meanEstimate(values, share)]));
}

/** The first of the longest texts, in characters: the control that every ranker must beat. */
export function longestOf(texts: readonly string[]): number {
  return texts.reduce((best, text, i) => (lengthOf(text) > lengthOf(texts[best]!) ? i : best), 0);
}

/** InstructRM's probabilities that outputs incorporate the context's own feedback, [context]. */
export interface JudgedOutputs {
  base: number[];
  tuned: number[];
  /** Of the contexts that have a reference, in their order; without where none has. */
  gold?: { base: number[]; tuned: number[]; gold: number[] };
}

/** Wins by InstructRM, whichever the ranker was. Where it chose what the model learned it is no independent judge. */
export function measureByJudge(judged: JudgedOutputs): Pick<Measures, 'rankerScore' | 'winRate'> {
  const { gold } = judged;
  return {
    rankerScore: {
      base: meanEstimate(judged.base, share),
      tuned: meanEstimate(judged.tuned, share),
      tunedMinusBase: differenceEstimate(judged.tuned, judged.base, difference),
    },
    winRate: {
      tunedVsBase: winRate(judged.tuned, judged.base),
      ...(gold && {
        tunedVsGold: winRate(gold.tuned, gold.gold),
        baseVsGold: winRate(gold.base, gold.gold),
      }),
    },
  };
}

/** InstructRM's mean probabilities that refinements follow the feedback, [context][candidate] each; about its own quality it says nothing. */
export const measureJudgeProbability = (
  judged: Record<'feedback' | 'noFeedback' | 'shuffledFeedback', PerContext>,
): Required<Pick<Measures, 'judgeProbability'>> => ({
  judgeProbability: {
    feedback: meanEstimate(judged.feedback, share),
    noFeedback: meanEstimate(judged.noFeedback, share),
    ...(judged.shuffledFeedback.length > 0 && {
      shuffledFeedback: meanEstimate(judged.shuffledFeedback, share),
    }),
  },
});
