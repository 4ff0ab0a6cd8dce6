// What the report of `kl` is made from: two models, texts that one of them wrote or that were given, and what was measured.
import type { Estimate, KlResult } from '../../bayes/index.js';
import type { Figure } from '../charts/figures.js';
import type { Settings } from '../page/settings.js';

/** In nats. `tunedFromBase`: KL(tuned ‖ base) over the vocabulary at every prefix; `baseFromTuned`: the other direction. */
export interface GivenMeasures {
  tunedFromBase: Estimate;
  baseFromTuned: Estimate;
  /** ln p_tuned(text | prompt) − ln p_base(text | prompt). */
  logRatio: Estimate;
}

/** What is measured on texts that neither model need have written. The measures on top are means over texts, in nats per text. */
export interface GivenTexts extends GivenMeasures {
  measured: 'at the prefixes of the given texts; not KL between the models’ own texts';
  texts: number;
  tokens: number;
  units: 'nats per text; perToken: nats per token, Σ texts / Σ tokens';
  /** How the intervals were made; a line of the data is the unit. */
  interval: string;
  perToken: GivenMeasures;
}

/** A text token by token, with the exact KL at each token's prefix, in nats. */
export interface ShadedText {
  title: string;
  /** What it continues; empty for a text without a prompt. */
  prompt: string;
  tokens: { text: string; kl: number }[];
}

export interface KlReport {
  title: string;
  /** The models' folders. */
  tuned: string;
  base: string;
  /** Where the texts come from, in a sentence. */
  texts: string;
  /** Both directions; none where the texts were given. */
  results: KlResult[];
  given?: GivenTexts;
  figures: Figure[];
  samples: ShadedText[];
  options: Settings;
  versions: Settings;
  seconds: number;
  /** The report's folder. */
  out: string;
}
