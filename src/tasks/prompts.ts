/**
 * What a task's prompts are. A completion begins with a space and ends with the end-of-text token, so a prompt ends with a word or
 * a sign, not with a space.
 */

export interface Prompts {
  /** π_θ: c → x0. */
  write(context: string): string;
  /** The critic: c, x0 → f. */
  critique(context: string, output: string): string;
  /** What a critic is taken to say where it says nothing. */
  readonly noCritique: string;
  /** π_ψ: c, x0, f → x1. */
  refine(context: string, output: string, feedback: string): string;
  /** π_ψ without feedback, the control. */
  improve(context: string, output: string): string;
  /** What stands between feedback and the output that follows it, where a model writes both at once. */
  readonly outputMark: string;
  /** InstructRM's: they differ in wording, in what comes first and last, and in the answers. */
  readonly judge: readonly JudgePrompt[];
  /** The reward model's: the log-odds of its answer are the reward. */
  readonly quality: AnswerPrompt;
  /** The judge of human-likeness. */
  readonly human: AnswerPrompt;
}

/** A question about a refinement and the feedback that it was to follow, answered by one token. */
export interface JudgePrompt {
  name: string;
  /** The answers, one token each. */
  positive: string;
  negative: string;
  /** What all refinements of one output share. */
  prefix(context: string, initial: string): string;
  /** The rest, up to and including "Answer:". */
  suffix(refinement: string, feedback: string, context: string): string;
}

/** A question about one output for a context, answered by one token. */
export interface AnswerPrompt {
  name: string;
  /** The answers, one token each. */
  positive: string;
  negative: string;
  /** What all outputs for one context share. */
  prefix(context: string): string;
  /** The rest, up to and including "Answer:". */
  suffix(output: string): string;
}

/** What a prompt asks, without what it asks it about: a part of step keys. */
export const wordingOf = ({ prefix, suffix, positive, negative }: Omit<JudgePrompt, 'name'>): string =>
  [prefix('', '') + suffix('', '', ''), positive, negative].join('|');
