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

/** Scores of single outputs, [context]; `gold` where all contexts have a reference. */
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
const whole = (settled: number[][]) => settled.map((of) => of.map((part) => (part === 1 ? 1 : 0)));

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
  /** The scorer's. */
  scores: readonly number[];
  /** Share of the feedback's points that it settles. */
  settled: readonly number[];
  /** The ranker's, and which one it selected. */
  ranks: readonly number[];
  selected: number;
}

/** How the ranker did. */
export function measureRanking(
  contexts: readonly RankedRefinements[],
): Required<Pick<Measures, 'ranking'>> & { rankingIncorporated: PickRates } {
  const score = contexts.map(({ scores }) => [...scores]);
  const done = whole(contexts.map(({ settled }) => [...settled]));
  const picked = (values: number[][]) => contexts.map(({ selected }, i) => values[i]![selected]!);
  const longest = (values: number[][]) => contexts.map(({ texts }, i) => values[i]![longestOf(texts)]!);
  const ranked = contexts.map(({ ranks, settled }): RankedContext => ({ ranker: ranks, oracle: settled }));
  return {
    ranking: {
      picked: meanEstimate(picked(score), share),
      // The expectation of a random pick is the mean over the candidates, exactly.
      random: meanEstimate(score, share),
      longest: meanEstimate(longest(score), share),
      pickedMinusRandom: differenceEstimate(picked(score), score, difference),
      // Undefined where the oracle tells no two candidates of a context apart.
      ...(pairPieces(ranked).some(({ weight }) => weight > 0) && {
        pairAccuracy: pairAccuracy(ranked),
        pooledAuc: pooledAuc(ranked),
      }),
    },
    rankingIncorporated: {
      picked: meanEstimate(picked(done), share),
      random: meanEstimate(done, share),
      longest: meanEstimate(longest(done), share),
      pickedMinusRandom: differenceEstimate(picked(done), done, difference),
    },
  };
}

/** Share of contexts whose feedback the picked refinement has incorporated, by who picks. */
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

/** Probabilities [context], or [context][text], that a text incorporates the context's own feedback. */
export type Judged = Record<'base' | 'tuned' | 'feedback' | 'noFeedback' | 'shuffledFeedback', PerContext>;

/**
 * The same questions where there is no oracle, answered by InstructRM, whichever the ranker was. Where it chose what the
 * model learned it is no independent judge, and about its own quality nothing can be said.
 */
export function measureByJudge(judged: Judged): Pick<Measures, 'rankerScore' | 'winRate' | 'incorporated'> {
  return {
    rankerScore: {
      base: meanEstimate(judged.base, share),
      tuned: meanEstimate(judged.tuned, share),
      tunedMinusBase: differenceEstimate(judged.tuned, judged.base, difference),
    },
    winRate: { tunedVsBase: winRate(judged.tuned, judged.base) },
    incorporated: {
      feedback: meanEstimate(judged.feedback, share),
      noFeedback: meanEstimate(judged.noFeedback, share),
      ...(judged.shuffledFeedback.length > 0 && {
        shuffledFeedback: meanEstimate(judged.shuffledFeedback, share),
      }),
    },
  };
}
