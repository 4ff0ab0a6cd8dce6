import type { Json } from '../store/hash.js';
import type { Annotation, Context, Task } from '../tasks/task.js';
import type { OnTexts, Sampling, Writer } from '../writers/writer.js';

/** An output x0 that feedback is wanted on. */
export interface ToCriticise {
  context: Context;
  output: string;
}

/** Where feedback f comes from. */
export interface FeedbackSource {
  /** For people: stands beside every feedback that is shown. */
  readonly name: string;
  /** One feedback for each item, in order. */
  annotate(items: readonly ToCriticise[]): Promise<Annotation[]>;
}

/** What sources are opened with; each reads what it needs. */
export interface SourceOptions {
  task: Task;
  /** The critic, opened when first asked. */
  critic: () => Promise<Writer>;
  sampling: Sampling;
  seed: number;
  onTexts: OnTexts;
}

/**
 * What its words depend on, for step keys, besides the items: x0, and a context's text, facts and feedback. `critic`: also on the
 * critic's model.
 */
export interface SourceInputs {
  critic: boolean;
  values: Json;
}

/** A source in the registry (src/feedback/registry.ts), or the default export of a module of a person's own. */
export interface SourceDescriptor {
  name: string;
  /** One line, for --help. */
  help: string;
  /** Whether it can say something about all of these contexts. */
  serves(task: Task, contexts: readonly Context[]): boolean;
  inputs(contexts: readonly Context[], options: Pick<SourceOptions, 'sampling' | 'seed'>): SourceInputs;
  open(options: SourceOptions): FeedbackSource;
}
