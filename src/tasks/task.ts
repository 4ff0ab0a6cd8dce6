/**
 * What is learned: where contexts come from, what the models read, what a text looks like, and who can say something
 * about an output. What an output is worth is not here: a task's Scorer is opened by measurement alone (src/measure).
 */
import type { Prompts } from './prompts.js';
import type { TextFormat } from './text-format.js';

/** `ilf`: contexts to learn from; `heldout`: contexts that only measurement sees. They share none. */
export type TaskSplit = 'ilf' | 'heldout';

/** A context c, such as a forum post or a programming task. */
export interface Context {
  id: string;
  text: string;
  /** Where a person's file has it, "PATH:LINE", for messages. */
  where?: string;
  /** What is known about it beyond its text, as JSON; for annotators that are programs, and for measurement. */
  facts?: unknown;
  /** An output x0 that was already there, instead of a sampled one. */
  output?: string;
  /** Feedback that was already there, on `output` if that is given. */
  feedback?: string;
  /** The reference output, where one is known: what supervised learning would be trained on. */
  gold?: string;
}

/** A context in messages: the line that it is, where it came from a file. */
export const contextName = ({ id, where }: Pick<Context, 'id' | 'where'>): string => where ?? `context ${id}`;

/** What π reads to write an output for a context, and the context's name for error messages. */
export const outputPrompt = (
  prompts: Pick<Prompts, 'write'>,
  context: Pick<Context, 'id' | 'text' | 'where'>,
) => ({
  text: prompts.write(context.text),
  name: contextName(context),
});

/** Feedback f on one output. */
export interface Annotation {
  text: string;
  /** What it asks for, as JSON, where its writer can tell; only measurement reads it. */
  points?: unknown;
}

/** What the task's things are called, for people: "post", "posts"; "summary", "summaries". */
export interface Words {
  context: string;
  contexts: string;
  output: string;
  outputs: string;
}

export interface Task {
  readonly name: string;
  /** What is learned, in a few words: "one-line summaries of posts". */
  readonly about: string;
  readonly words: Words;
  readonly prompts: Prompts;
  /** What outputs look like, and feedback. */
  readonly format: { readonly output: TextFormat; readonly feedback: TextFormat };
  /** What to tell a person of the data, a line each, once. */
  readonly notices?: readonly string[];
  /** How many contexts a split has; Infinity where they are made on demand. */
  size(split: TaskSplit): number;
  /** Contexts number `from` to `from + n − 1` of a split: always the same ones. */
  contexts(split: TaskSplit, from: number, n: number): Context[];
  /**
   * The simulated annotator, where the task has one: feedback on `output`, by a stream of its own for each `key`.
   */
  annotate?(context: Context, output: string, key: string): Annotation;
  /** Whether the annotator knows this context; all of them where this is left out. */
  annotates?(context: Context): boolean;
  /** Whether the simulated annotator prefers the first of two outputs; it may err, as people do, by its own stream for each `key`. */
  prefers?(context: Context, first: string, second: string, key: string): boolean;
  /** The simulated annotator's answer to whether a refinement does all that an annotation asks for. */
  follows?(context: Context, annotation: Annotation, refinement: string): boolean;
  /** A refinement as the task's own writers write it, told what an annotation asks for; imperfect, as people's are. */
  refined?(context: Context, output: string, annotation: Annotation, key: string): string;
  /** An output as the task's own writers write it: not the best one, a usual one. */
  written?(context: Context, key: string): string;
}

/** A text about a context. */
export interface ToScore {
  context: Context;
  text: string;
}

/** A text that was written to do what feedback asks for; `points` are the feedback's. */
export interface ToCheck extends ToScore {
  points: unknown;
}

/**
 * What an output is worth. Asynchronous, since a scorer may run programs. Only src/measure opens one (tests/architecture.test.ts).
 */
export interface Scorer {
  /** What the score is, for people. */
  readonly unit: string;
  /** It is likeness to the context's reference, which nothing can exceed: who wins against a reference is for others to say. */
  readonly ofReference?: true;
  /** Of each text, in [0, 1]. */
  score(items: readonly ToScore[]): Promise<number[]>;
  /** What it knows of feedback, where it knows anything. */
  readonly feedback?: FeedbackScorer;
}

export interface FeedbackScorer {
  /** Share of the feedback's points that each text settles; 1 means that it was incorporated. */
  incorporated(items: readonly ToCheck[]): Promise<number[]>;
  /** Each point's kind, and whether the text settles it, [item][point]. */
  byKind(items: readonly ToCheck[]): Promise<{ kind: string; settled: boolean }[][]>;
}

/** What a task is opened with. */
export interface TaskOptions {
  /** A file of a person's own contexts; null where there is none. */
  data: string | null;
}

/** A task in the registry (src/tasks/registry.ts), or the default export of a module of a person's own. */
export interface TaskDescriptor {
  name: string;
  /** One line, for --help. */
  help: string;
  /** What it asks, where a task without contexts cannot be opened. */
  prompts?(): Promise<Prompts>;
  /** @throws UserError for data that cannot be used */
  open(options: TaskOptions): Promise<Task>;
  /** Null for contexts that it cannot score. */
  openScorer?(contexts: readonly Context[]): Promise<Scorer | null>;
}
