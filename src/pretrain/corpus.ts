/**
 * The corpora that the embedded models are trained on, as pieces of text with a loss weight each. Sequence number i of a
 * corpus is always the same text; it is made when it is needed and never stored.
 */
import { annotate, type Feedback } from '../tasks/briefs/annotator.js';
import { settled } from '../tasks/briefs/points.js';
import { drawPost, type Post } from '../tasks/briefs/post.js';
import { exchangeOne, improve, refine } from '../tasks/briefs/refining.js';
import { drawPlan, write } from '../tasks/briefs/summary.js';
import { details } from '../tasks/briefs/world.js';
import { improvePrompt, judgePrompts, summaryPrompt } from '../tasks/prompts.js';
import { type Random, random } from '../tasks/random.js';

export interface Piece {
  text: string;
  /** Loss weight of each of its tokens. */
  weight: number;
  /** Weight of those tokens that do not occur in this text (what a refinement adds), if it differs. */
  newWeight?: { not: string; weight: number };
  /** Ends with the end-of-text token. */
  end?: true;
}

const promptWeight = 0.3;

/** How carefully the writers of refinements follow each point of feedback. */
const care = 0.8;

const corpusSummary = (r: Random, post: Post) => write(drawPlan(r, post.facts, post.text, details));

/** Post → summary of mixed quality. */
export function summarySequence(post: Post, r: Random): Piece[] {
  return [
    { text: summaryPrompt(post.text), weight: promptWeight },
    { text: ` ${corpusSummary(r, post)}`, weight: 1, end: true },
  ];
}

/** A summary to be refined: from the base LM if some were sampled, else from the corpus. */
export type Initials = (index: number) => string | undefined;

export interface RefineCase {
  post: Post;
  initial: string;
  feedback: Feedback;
}

export function refineCase(index: number, initials: Initials): RefineCase {
  const post = drawPost('instruct', index);
  const r = random('case', index);
  const initial = initials(index) ?? corpusSummary(r, post);
  return { post, initial, feedback: annotate(r, post.facts, initial, 'training') };
}

/** Post, summary → feedback (the critic's lesson) → new summary (the refiner's). */
export function refineSequence({ post, initial, feedback }: RefineCase, r: Random): Piece[] {
  const refinement = refine(r, post.facts, post.text, initial, feedback.points, care);
  return [
    { text: summaryPrompt(post.text), weight: promptWeight / 3 },
    { text: ` ${initial}`, weight: promptWeight },
    { text: '\nFeedback:', weight: 0 },
    { text: ` ${feedback.text}`, weight: promptWeight },
    { text: '\nNew summary:', weight: promptWeight },
    { text: ` ${refinement}`, weight: 1, newWeight: { not: initial, weight: 6 }, end: true },
  ];
}

/** Post, summary → new summary, without feedback. */
export function improveSequence({ post, initial }: RefineCase, r: Random): Piece[] {
  return [
    { text: improvePrompt(post.text, initial), weight: 0.1 },
    { text: ` ${improve(r, post.facts, post.text, initial, care)}`, weight: 1, end: true },
  ];
}

const judgeCandidates = 4;
const answerWeight = 8;

/** Refinements that a judge may meet: more or less careful ones, unchanged ones, and pairs that differ in one value. */
function madeUpRefinements({ post, initial, feedback }: RefineCase, r: Random): string[] {
  const out: string[] = [];
  while (out.length < judgeCandidates) {
    const first = r.chance(0.08)
      ? initial
      : refine(r, post.facts, post.text, initial, feedback.points, r.pick([0.4, 0.7, 0.9]));
    out.push(first);
    if (r.chance(0.5)) out.push(exchangeOne(r, post.facts, first, feedback.points));
  }
  return r.shuffle(out.slice(0, judgeCandidates));
}

/**
 * Several refinements of one case, each followed by the question and its answer: the first is just what InstructRM is
 * asked, the others make one sequence teach four answers.
 */
export function judgeSequence(of: RefineCase, r: Random, sampled?: readonly string[]): Piece[] {
  const prompt = r.pick(judgePrompts);
  const refinements = sampled ? r.shuffle(sampled).slice(0, judgeCandidates) : madeUpRefinements(of, r);
  const pieces: Piece[] = [
    { text: prompt.prefix(of.post.text, of.initial, of.feedback.text), weight: promptWeight / 3 },
  ];
  refinements.forEach((refinement, i) => {
    const good = of.feedback.points.every((point) => settled(point, of.post.facts, refinement));
    if (i > 0) pieces.push({ text: '\nNew summary:', weight: 0 });
    pieces.push({ text: prompt.suffix(refinement), weight: 0 });
    pieces.push({ text: good ? prompt.positive : prompt.negative, weight: answerWeight });
  });
  return pieces;
}
