/** A judge on our own engine. */

import { loadLM } from '../lm/files.js';
import { lastLogits } from '../lm/prefix-sharing.js';
import type { Decoder } from './decoder.js';

/** Loads `dir`/model.safetensors. Errors: UserError where it is missing or cannot be used. */
export async function loadEngine(dir: string): Promise<Decoder> {
  const lm = await loadLM(dir);
  return {
    maxTokens: lm.description.positions,
    vocabSize: lm.description.vocab,
    lastLogits: (...args) => lastLogits(lm, ...args),
    close: async () => lm.dispose(),
  };
}
