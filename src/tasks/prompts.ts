/**
 * The texts that the models read. One place for all of them, since training and use must agree to the letter.
 * A completion begins with a space and ends with the end-of-text token.
 */

/** π_θ: post → summary. */
export const summaryPrompt = (post: string) => `Post: ${post}\nSummary:`;
/** The critic: post, summary → feedback. */
export const critiquePrompt = (post: string, summary: string) =>
  `${summaryPrompt(post)} ${summary}\nFeedback:`;
/** π_ψ: post, summary, feedback → new summary. */
export const refinePrompt = (post: string, summary: string, feedback: string) =>
  `${critiquePrompt(post, summary)} ${feedback}\nNew summary:`;
/** π_ψ without feedback, the control. */
export const improvePrompt = (post: string, summary: string) =>
  `${summaryPrompt(post)} ${summary}\nNew summary:`;

export interface JudgePrompt {
  name: string;
  /** The answers, one token each. */
  positive: string;
  negative: string;
  /** What all refinements of one summary share. */
  prefix(post: string, summary: string): string;
  /** The rest, up to and including "Answer:". */
  suffix(refinement: string, feedback: string, post: string): string;
}

const summaries = (summary: string) => `Summary: ${summary}\nNew summary:`;
const check = (refinement: string, feedback: string) => ` ${refinement}\nFeedback: ${feedback}`;

/** InstructRM's five prompts: they differ in wording, in what comes first and last, and in the answers. */
export const judgePrompts: readonly JudgePrompt[] = [
  {
    name: 'incorporates, post first, question last',
    positive: ' Yes',
    negative: ' No',
    prefix: (post, summary) => `Post: ${post}\n${summaries(summary)}`,
    suffix: (...[refinement, feedback]) =>
      `${check(refinement, feedback)}\nDoes the new summary incorporate the feedback?\nAnswer:`,
  },
  {
    name: 'incorporates, task first, post first',
    positive: ' Yes',
    negative: ' No',
    prefix: (post, summary) =>
      `Decide whether the new summary incorporates the feedback, Yes or No.\nPost: ${post}\n${summaries(summary)}`,
    suffix: (...[refinement, feedback]) => `${check(refinement, feedback)}\nAnswer:`,
  },
  {
    name: 'incorporates, post last',
    positive: ' Yes',
    negative: ' No',
    prefix: (_, summary) => summaries(summary),
    suffix: (refinement, feedback, post) =>
      `${check(refinement, feedback)}\nPost: ${post}\nWas the feedback followed in the new summary?\nAnswer:`,
  },
  {
    name: 'improves, post first, question last',
    positive: ' True',
    negative: ' False',
    prefix: (post, summary) => `Post: ${post}\n${summaries(summary)}`,
    suffix: (...[refinement, feedback]) =>
      `${check(refinement, feedback)}\nThe new summary improves on the summary with respect to the feedback.\nAnswer:`,
  },
  {
    name: 'improves, task first, post last',
    positive: ' True',
    negative: ' False',
    prefix: (_, summary) =>
      `Is it True or False that the new summary is better with respect to the feedback?\n${summaries(summary)}`,
    suffix: (refinement, feedback, post) => `${check(refinement, feedback)}\nPost: ${post}\nAnswer:`,
  },
];

/** A question about one summary of a post, answered by one token. */
export interface AnswerPrompt {
  name: string;
  /** The answers, one token each. */
  positive: string;
  negative: string;
  /** What all summaries of one post share. */
  prefix(post: string): string;
  /** The rest, up to and including "Answer:". */
  suffix(summary: string): string;
}

const answerPrompt = (name: string, question: string): AnswerPrompt => ({
  name,
  positive: ' Yes',
  negative: ' No',
  prefix: summaryPrompt,
  suffix: (summary) => ` ${summary}\n${question}\nAnswer:`,
});

/** The reward model's: the log-odds of its answer are the reward. */
export const qualityPrompt = answerPrompt('quality', 'Is this a good summary?');
/** The judge of human-likeness. */
export const humanPrompt = answerPrompt('human-likeness', 'Did a person write this summary?');
