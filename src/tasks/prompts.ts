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
  /** What all refinements of one feedback share, up to and including "New summary:". */
  prefix(post: string, summary: string, feedback: string): string;
  /** The refinement, the question if it comes last, and "Answer:". */
  suffix(refinement: string): string;
}

const postFirst = (post: string, summary: string, feedback: string) =>
  `Post: ${post}\nSummary: ${summary}\nFeedback: ${feedback}\nNew summary:`;
const feedbackFirst = (post: string, summary: string, feedback: string) =>
  `Feedback: ${feedback}\nPost: ${post}\nSummary: ${summary}\nNew summary:`;
const answer = (refinement: string, question = '') => ` ${refinement}\n${question}Answer:`;

/** InstructRM's five prompts: they differ in wording, in what comes first, and in the answers. */
export const judgePrompts: readonly JudgePrompt[] = [
  {
    name: 'incorporates, question last',
    positive: ' Yes',
    negative: ' No',
    prefix: postFirst,
    suffix: (refinement) => answer(refinement, 'Does the new summary incorporate the feedback?\n'),
  },
  {
    name: 'incorporates, task first',
    positive: ' Yes',
    negative: ' No',
    prefix: (...of) =>
      `Decide whether the new summary incorporates the feedback, Yes or No.\n${postFirst(...of)}`,
    suffix: (refinement) => answer(refinement),
  },
  {
    name: 'incorporates, feedback before post',
    positive: ' Yes',
    negative: ' No',
    prefix: feedbackFirst,
    suffix: (refinement) => answer(refinement, 'Was the feedback followed in the new summary?\n'),
  },
  {
    name: 'improves, question last',
    positive: ' True',
    negative: ' False',
    prefix: postFirst,
    suffix: (refinement) =>
      answer(refinement, 'The new summary improves on the summary with respect to the feedback.\n'),
  },
  {
    name: 'improves, task first, feedback before post',
    positive: ' True',
    negative: ' False',
    prefix: (...of) =>
      `Is it True or False that the new summary is better with respect to the feedback?\n${feedbackFirst(...of)}`,
    suffix: (refinement) => answer(refinement),
  },
];
