/**
 * What is learned: where contexts come from, and who can say something about an output. What an output is worth is
 * not here: only measurement knows an oracle (src/measure/scorer.ts).
 */

/** `ilf`: contexts to learn from; `heldout`: contexts that only measurement sees. They share none. */
export type TaskSplit = 'ilf' | 'heldout';

/** A context c, such as a forum post. */
export interface Context {
  id: string;
  text: string;
  /** What is known about it beyond its text, as JSON; for annotators that are programs, and for measurement. */
  facts?: unknown;
  /** An output x0 that was already there, instead of a sampled one. */
  output?: string;
  /** Feedback that was already there, on `output` if that is given. */
  feedback?: string;
  /** The reference output, where one is known: what supervised learning would be trained on. */
  gold?: string;
}

/** A context in error messages. */
export const contextName = ({ id }: { id: string }): string => `context ${id}`;

/** Feedback f on one output. */
export interface Annotation {
  text: string;
  /** What it asks for, as JSON, where its writer can tell; only measurement reads it. */
  points?: unknown;
}

export interface Task {
  readonly name: string;
  /** How many contexts a split has; Infinity where they are made on demand. */
  size(split: TaskSplit): number;
  /** Contexts number `from` to `from + n − 1` of a split: always the same ones. */
  contexts(split: TaskSplit, from: number, n: number): Context[];
  /** The simulated annotator, where the task has one: feedback on `output`, by a stream of its own for each `key`. */
  annotate?(context: Context, output: string, key: string): Annotation;
  /** Whether the simulated annotator prefers the first of two outputs; it may err, as people do, by its own stream for each `key`. */
  prefers?(context: Context, first: string, second: string, key: string): boolean;
  /** The simulated annotator's answer to whether a refinement does all that an annotation asks for. */
  follows?(context: Context, annotation: Annotation, refinement: string): boolean;
  /** A refinement as the world's own writers write it, told what an annotation asks for; imperfect, as people's are. */
  refined?(context: Context, output: string, annotation: Annotation, key: string): string;
  /** An output as the world's own writers write it: not the best one, a usual one. */
  written?(context: Context, key: string): string;
}
