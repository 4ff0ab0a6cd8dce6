/** The texts that models read to summarise a post, for every task of summaries. One place, since training and use must agree to the letter. */
import type { AnswerPrompt, JudgePrompt, Prompts } from './prompts.js';

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

export const prompts: Prompts = {
  write: summaryPrompt,
  critique: critiquePrompt,
  noCritique: 'Please improve the summary.',
  refine: refinePrompt,
  improve: improvePrompt,
  outputMark: 'New summary:',
  judge: judgePrompts,
  quality: qualityPrompt,
  human: humanPrompt,
};
