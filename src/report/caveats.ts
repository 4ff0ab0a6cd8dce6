// What every page says before its numbers.
import type { Estimate } from '../bayes/index.js';

/** What a reader must know before any number; in the order of what weighs most. */
export interface Caveat {
  kind: 'unknown text' | 'few contexts' | 'no independent judge';
  /** A sentence. */
  says: string;
}

/** How well a model knows the texts of a run: nats a token, of texts that were given and of its own on the same contexts. */
export interface Familiarity {
  /** The model's folder, and what it does: "base", "refiner", "judge". */
  model: string;
  roles: string[];
  /** Whether the given texts are the contexts' outputs, or the contexts themselves. */
  texts: 'outputs' | 'contexts';
  given: Estimate;
  own: Estimate;
  /** Paired. */
  difference: Estimate;
  /** By the criterion, which was fixed beforehand. */
  known: boolean;
  criterion: string;
}

/** A headline that begins with them. */
export const afterCaveats = (caveats: readonly Caveat[], headline: string): string =>
  [...caveats.map(({ says }) => says), headline].join(' ');
