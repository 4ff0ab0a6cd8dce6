/**
 * Step 6, what the oracle says on held-out posts: of the tuned model's outputs against the base model's and the
 * reference; of refinements with, without and with another post's feedback; and of the ranker's pick against its controls.
 * A post is the unit: several texts of one post are resampled together.
 */
import {
  differenceEstimate,
  type Estimate,
  meanEstimate,
  type PerContext,
  winRate,
} from '../bayes/estimate.js';
import { pairAccuracy, pairPieces, pooledAuc, type RankedContext } from '../bayes/pairs.js';
import type { Measures } from '../report/run/types.js';
import type { Context } from '../tasks/task.js';
import type { Oracle } from './scorer.js';

/** Scores and shares lie in [0, 1], which gives intervals to measures that came out the same on every post. */
const share = { bounds: [0, 1] as [number, number] };
const difference = { bounds: [-1, 1] as [number, number] };

/** The models' outputs [post] for the same contexts. */
export interface Outputs {
  base: readonly string[];
  tuned: readonly string[];
}

/** Oracle scores of single outputs, [post]. */
export function scoreOutputs(oracle: Oracle, contexts: readonly Context[], { base, tuned }: Outputs) {
  const score = (texts: readonly string[]) => contexts.map((context, i) => oracle.score(context, texts[i]!));
  return {
    base: score(base),
    tuned: score(tuned),
    // Tasks with an oracle have references.
    gold: score(contexts.map(({ gold }) => gold!)),
  };
}

export function measureOutputs({
  base,
  tuned,
  gold,
}: ReturnType<typeof scoreOutputs>): Required<Pick<Measures, 'score' | 'winRate'>> {
  return {
    score: {
      base: meanEstimate(base, share),
      tuned: meanEstimate(tuned, share),
      gold: meanEstimate(gold, share),
      tunedMinusBase: differenceEstimate(tuned, base, difference),
    },
    winRate: {
      tunedVsBase: winRate(tuned, base),
      tunedVsGold: winRate(tuned, gold),
      baseVsGold: winRate(base, gold),
    },
  };
}

/** The refinements of one held-out post, [candidate] each. */
export interface RefinedPost {
  context: Context;
  /** What this post's own feedback asks for; all three kinds of refinements are held against it. */
  points: unknown;
  feedback: readonly string[];
  noFeedback: readonly string[];
  /** Made with another post's feedback. */
  shuffledFeedback: readonly string[];
  /** The ranker's score of each of `feedback`, and which one it selected. */
  scores: readonly number[];
  selected: number;
}

/** How the refiner and the ranker did. A refinement has incorporated its feedback if all points are settled. */
export function measureRefining(
  oracle: Oracle,
  posts: readonly RefinedPost[],
): Required<Pick<Measures, 'incorporated' | 'ranking'>> & { rankingIncorporated: PickRates; byKind: ByKind } {
  const shares = (of: (post: RefinedPost) => readonly string[]) =>
    posts.map((post) => of(post).map((text) => oracle.incorporated(post.context, post.points, text)));
  const whole = (settled: number[][]) => settled.map((post) => post.map((of) => (of === 1 ? 1 : 0)));

  const settled = shares((post) => post.feedback);
  const done = whole(settled);
  const score = posts.map(({ context, feedback }) => feedback.map((text) => oracle.score(context, text)));
  const picked = (values: number[][]) => posts.map(({ selected }, i) => values[i]![selected]!);
  const longest = (values: number[][]) => posts.map(({ feedback }, i) => values[i]![longestOf(feedback)]!);
  const ranked = posts.map(({ scores }, i): RankedContext => ({ ranker: scores, oracle: settled[i]! }));

  return {
    incorporated: {
      feedback: meanEstimate(done, share),
      noFeedback: meanEstimate(whole(shares((post) => post.noFeedback)), share),
      ...(posts.every((post) => post.shuffledFeedback.length > 0) && {
        shuffledFeedback: meanEstimate(whole(shares((post) => post.shuffledFeedback)), share),
      }),
    },
    ranking: {
      picked: meanEstimate(picked(score), share),
      // The expectation of a random pick is the mean over the candidates, exactly.
      random: meanEstimate(score, share),
      longest: meanEstimate(longest(score), share),
      pickedMinusRandom: differenceEstimate(picked(score), score, difference),
      // Undefined where the oracle tells no two candidates of a post apart.
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
    byKind: incorporatedByKind(oracle, posts),
  };
}

/** Share of posts whose feedback the picked refinement has incorporated, by who picks. */
export type PickRates = Record<'picked' | 'random' | 'longest' | 'pickedMinusRandom', Estimate>;
/** Share of points settled, by kind of point, over the posts whose feedback has one. */
export type ByKind = Record<string, Estimate>;

function incorporatedByKind(oracle: Oracle, posts: readonly RefinedPost[]): ByKind {
  const kinds = new Map<string, number[][]>();
  for (const { context, points, feedback } of posts) {
    const ofPost = new Map<string, number[]>();
    for (const text of feedback)
      for (const { kind, settled } of oracle.byKind(context, points, text))
        ofPost.set(kind, [...(ofPost.get(kind) ?? []), settled ? 1 : 0]);
    for (const [kind, settled] of ofPost) kinds.set(kind, [...(kinds.get(kind) ?? []), settled]);
  }
  return Object.fromEntries([...kinds].sort().map(([kind, settled]) => [kind, meanEstimate(settled, share)]));
}

/** The first of the longest texts, in characters: the control that every ranker must beat. */
export function longestOf(texts: readonly string[]): number {
  return texts.reduce((best, text, i) => (text.length > texts[best]!.length ? i : best), 0);
}

/** Probabilities [post], or [post][text], that a text incorporates the post's own feedback. */
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
