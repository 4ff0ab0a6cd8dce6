/**
 * The corpora that the embedded models are trained on, as pieces of text with a loss weight each. Sequence number i of a
 * corpus is always the same text; it is made when it is needed and never stored.
 */
import { annotate, type Feedback } from '../tasks/briefs/annotator.js';
import { pointsAgainst, settled } from '../tasks/briefs/points.js';
import { drawPost, type Post } from '../tasks/briefs/post.js';
import { read } from '../tasks/briefs/reading.js';
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

const answerWeight = 8;

/** Refinements that a judge may meet: more or less careful ones, unchanged ones, and pairs that differ in one value. */
function madeUpRefinements({ post, initial }: RefineCase, r: Random): string[] {
  if (r.chance(0.05))
    return [
      initial,
      refine(r, post.facts, post.text, initial, pointsAgainst(post.facts, read(initial)), 0.5),
    ];
  const points = pointsAgainst(post.facts, read(initial));
  const first = refine(r, post.facts, post.text, initial, points, r.pick([0.4, 0.6, 0.8]));
  return [first, exchangeOne(r, post.facts, first, points)];
}

/**
 * Refinements of one case, each asked about more than once with different feedback: the first question is just what
 * InstructRM is asked; the others make one sequence teach many answers.
 */
export function judgeSequence(of: RefineCase, r: Random, sampled?: readonly string[]): Piece[] {
  const prompt = r.pick(judgePrompts);
  const { post, initial } = of;
  const refinements = sampled ? r.shuffle(sampled).slice(0, 2) : madeUpRefinements(of, r);
  const pieces: Piece[] = [{ text: prompt.prefix(post.text, initial), weight: promptWeight / 3 }];
  refinements.forEach((refinement, i) => {
    if (i > 0) pieces.push({ text: '\nNew summary:', weight: 0 });
    const asked = new Set<string>();
    for (let j = 0; j < 3; j++) {
      const { text, points } = i + j === 0 ? of.feedback : annotate(r, post.facts, initial, 'training');
      if (asked.has(text)) continue;
      asked.add(text);
      let suffix = prompt.suffix(refinement, text, post.text);
      // The post stands in the sequence once, and the refinement before its questions once.
      if (i + j > 0) suffix = suffix.replace(`\nPost: ${post.text}`, '');
      if (j > 0) suffix = suffix.slice(` ${refinement}`.length);
      const good = points.every((point) => settled(point, post.facts, refinement));
      pieces.push({ text: suffix, weight: 0 });
      pieces.push({ text: good ? prompt.positive : prompt.negative, weight: answerWeight });
    }
  });
  return pieces;
}
