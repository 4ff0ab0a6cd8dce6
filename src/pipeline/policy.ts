/**
 * π_θ: a model folder, and what it writes after a post. A model tuned on feedback followed by the refinement writes both
 * on one line; here is how they are put together, and how the output is found again.
 */

export interface Policy {
  dir: string;
  writes: OutputFormat;
}
/** π_0. */
export const priorPolicy = ({ base }: { base: string }): Policy => ({ dir: base, writes: 'output' });
export type OutputFormat = 'output' | 'feedback and output';

/** A critic says more than a summary does: tokens of its feedback at most. */
export const CRITIQUE_TOKENS = 64;

/** What stands between them: the refiner's own words, which stand on a line of their own there. */
const MARK = 'New summary:';

export const feedbackThenOutput = (feedback: string, output: string) => `${feedback} ${MARK} ${output}`;

/** The output in a text that the model wrote; all of it where the model left the mark out. */
export function outputIn(text: string, writes: OutputFormat): string {
  const mark = writes === 'output' ? -1 : text.indexOf(MARK);
  return mark < 0 ? text : text.slice(mark + MARK.length).trim();
}

/** Tokens that it may write so that its output may have `maxTokens`. */
export const roomFor = (writes: OutputFormat, maxTokens: number) =>
  writes === 'output' ? maxTokens : CRITIQUE_TOKENS + maxTokens;
