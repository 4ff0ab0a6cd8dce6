/**
 * π_θ: a model folder, and what it writes after a prompt. A model tuned on feedback followed by the refinement writes both
 * on one line; here is how they are put together, and how the output is found again.
 */
import { CRITIQUE_TOKENS } from '../feedback/critic.js';
import type { Prompts } from '../tasks/prompts.js';

export interface Policy {
  dir: string;
  writes: OutputFormat;
}
/** π_0. */
export const priorPolicy = ({ base }: { base: string }): Policy => ({ dir: base, writes: 'output' });
export type OutputFormat = 'output' | 'feedback and output';

type Mark = Pick<Prompts, 'outputMark'>;

export const feedbackThenOutput = ({ outputMark }: Mark, feedback: string, output: string) =>
  `${feedback} ${outputMark} ${output}`;

/** The output in a text that the model wrote; all of it where the model left the mark out. */
export function outputIn({ outputMark }: Mark, text: string, writes: OutputFormat): string {
  const mark = writes === 'output' ? -1 : text.indexOf(outputMark);
  return mark < 0 ? text : text.slice(mark + outputMark.length).trim();
}

/** Tokens that it may write so that its output may have `maxTokens`. */
export const roomFor = (writes: OutputFormat, maxTokens: number) =>
  writes === 'output' ? maxTokens : CRITIQUE_TOKENS + maxTokens;
