/**
 * π_θ: a model folder, and what it writes after a prompt. A model tuned on feedback followed by the refinement writes both
 * on one line; here is how they are put together, and how the output is found again.
 */
import { CRITIQUE_TOKENS } from '../feedback/critic.js';
import type { Prompts } from '../tasks/prompts.js';
import type { Task } from '../tasks/task.js';
import type { TextFormat } from '../tasks/text-format.js';

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

/** What it writes looks like; feedback and an output together end where the longer-winded of the two does. */
export const formatOf = ({ output, feedback }: Task['format'], writes: OutputFormat): TextFormat =>
  writes === 'output' || output.stop === null ? output : feedback;

/** The output in a text that the model wrote; all of it where the model left the mark out. */
export function outputIn(
  { prompts: { outputMark }, format }: Pick<Task, 'prompts' | 'format'>,
  text: string,
  writes: OutputFormat,
): string {
  if (writes === 'output') return text;
  const mark = text.indexOf(outputMark);
  return format.output.tidy(mark < 0 ? text : text.slice(mark + outputMark.length), true);
}

/** Tokens that it may write so that its output may have `maxTokens`. */
export const roomFor = (writes: OutputFormat, maxTokens: number) =>
  writes === 'output' ? maxTokens : CRITIQUE_TOKENS + maxTokens;
