/**
 * The corpora that the embedded models are trained on, as pieces of text with a loss weight each. Sequence number i of a
 * corpus is always the same text; it is made when it is needed and never stored.
 */
import { annotate, type Feedback, sayAll, sayValue } from '../tasks/briefs/annotator.js';
import { pointsAgainst, settled } from '../tasks/briefs/points.js';
import { drawPost, type Post } from '../tasks/briefs/post.js';
import { glue, read } from '../tasks/briefs/reading.js';
import { CARE, exchangeOne, improve, refine } from '../tasks/briefs/refining.js';
import { drawPlan, write, wrongValue } from '../tasks/briefs/summary.js';
import { details, type Slot, slots } from '../tasks/briefs/world.js';
import { type Random, random } from '../tasks/random.js';
import { improvePrompt, judgePrompts, summaryPrompt } from '../tasks/summarization.js';

export interface Piece {
  text: string;
  /** Loss weight of each of its tokens. */
  weight: number;
  /** Weight of those tokens that do not occur in this text (what a refinement adds), if it differs. Weighting positions
   * changes how fast they are learned, not what the best prediction there is. */
  newWeight?: { not: string; weight: number };
  /** Ends with the end-of-text token. */
  end?: true;
}

const promptWeight = 0.3;

/** The words that hold a summary together; the others are its values. */
const glueText = glue.join(' ');

const corpusSummary = (r: Random, post: Post) => write(drawPlan(r, post.facts, post.text, details));

/** Post → summary of mixed quality. */
export function summarySequence(post: Post, r: Random): Piece[] {
  return [
    { text: summaryPrompt(post.text), weight: promptWeight },
    { text: ` ${corpusSummary(r, post)}`, weight: 1, newWeight: { not: glueText, weight: 4 }, end: true },
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
  const refinement = refine(r, post.facts, post.text, initial, feedback.points, CARE);
  return [
    { text: summaryPrompt(post.text), weight: 0 },
    { text: ` ${initial}`, weight: 0 },
    { text: '\nFeedback:', weight: 0 },
    { text: ` ${feedback.text}`, weight: promptWeight },
    { text: '\nNew summary:', weight: promptWeight },
    { text: ` ${refinement}`, weight: 1, newWeight: { not: initial, weight: 6 }, end: true },
  ];
}

/** Post, summary → new summary, without feedback. */
export function improveSequence({ post, initial }: RefineCase, r: Random): Piece[] {
  return [
    { text: improvePrompt(post.text, initial), weight: 0 },
    { text: ` ${improve(r, post.facts, post.text, initial, CARE)}`, weight: 1, end: true },
  ];
}

const answerWeight = 8;

/** Refinements that a judge may meet: more or less careful ones, unchanged ones, and pairs that differ in one value. */
function madeUpRefinements({ post, initial }: RefineCase, r: Random): string[] {
  const points = pointsAgainst(post.facts, read(initial));
  if (r.chance(0.05)) return [initial, refine(r, post.facts, post.text, initial, points, 0.5)];
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
  const pieces: Piece[] = [{ text: prompt.prefix(post.text, initial), weight: 0 }];
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

const checks = 8;

/**
 * A plainer lesson than the judge's: no post, one new summary, many short feedbacks. Comparing values is learned here, where
 * there is nothing else to look at, before it is learned among posts.
 */
export function checkSequence({ post, initial }: RefineCase, r: Random): Piece[] {
  const against = pointsAgainst(post.facts, read(initial));
  const refinement = refine(r, post.facts, post.text, initial, against, 0.5);
  const pieces: Piece[] = [{ text: `New summary: ${refinement}`, weight: 0 }];
  for (let j = 0; j < checks; j++) {
    const points = r.shuffle(against).slice(0, r.chance(0.75) ? 1 : 2);
    const good = points.every((point) => settled(point, post.facts, refinement));
    pieces.push({ text: `\nFeedback: ${sayAll(r, points, post.facts, 'training')}\nAnswer:`, weight: 0 });
    pieces.push({ text: good ? ' Yes' : ' No', weight: answerWeight });
  }
  return pieces;
}

const lookups = 12;

/** How a value is asked for: at once, with a question mark, or as a clause that sounds like feedback, answered at once or as a judge answers. */
const askForValue: readonly ((r: Random, slot: Slot, value: string, first: boolean) => string)[] = [
  (_r, _slot, value, first) => `${first ? '\nIt says' : ','} ${value}`,
  (_r, _slot, value, first) => `${first ? '\nDoes it say' : ','} ${value}?`,
  (r, slot, value) => `\nFeedback: ${sayValue(r, slot, value)}`,
  (r, slot, value) => `\nFeedback: ${sayValue(r, slot, value)}.\nAnswer:`,
];

/**
 * The plainest lesson: values, each followed by whether the new summary says it. To judge is to look values up and to read
 * the results off the feedback; with no lesson for the first half alone, neither half is learned in 3 M tokens.
 * @param amongPosts how often the post and the first summary stand before it, with the same values in them
 */
export function lookupSequence({ post, initial }: RefineCase, r: Random, amongPosts: number): Piece[] {
  const against = pointsAgainst(post.facts, read(initial));
  const refinement = refine(r, post.facts, post.text, initial, against, 0.6);
  const { said } = read(refinement);
  const context = r.chance(amongPosts) ? `${summaryPrompt(post.text)} ${initial}\n` : '';
  const ask = r.pick(askForValue);
  const pieces: Piece[] = [{ text: `${context}New summary: ${refinement}`, weight: 0 }];
  for (let j = 0; j < lookups; j++) {
    const slot = r.pick(slots);
    const value = r.chance(0.35)
      ? (said[slot][0] ?? post.facts[slot])
      : r.pick([post.facts[slot], wrongValue(r, slot, post.facts, post.text)]);
    pieces.push({ text: ask(r, slot, value, j === 0), weight: 0 });
    pieces.push({ text: said[slot].includes(value) ? ' Yes' : ' No', weight: answerWeight });
  }
  return pieces;
}
