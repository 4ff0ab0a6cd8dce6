/** A causal LM that is asked for one thing: the next token's logits after many texts that share their beginnings. */
import type { SharedPrefix } from '../../lm/prefix-sharing.js';

export interface LogitHost {
  /** The longest text, in tokens; Infinity where the model's folder does not say. */
  readonly maxTokens: number;
  /** Token ids are below this; Infinity where the model's folder does not say. */
  readonly vocabSize: number;
  /**
   * Logits of `tokens` after each text: [family][suffix][token]. They do not depend on what else is asked for, up to
   * rounding (1e-5). `onDone` is told how many suffixes were finished.
   */
  lastLogits(
    families: readonly SharedPrefix[],
    tokens: readonly number[],
    onDone?: (count: number) => void,
  ): Promise<number[][][]>;
  close(): Promise<void>;
}
