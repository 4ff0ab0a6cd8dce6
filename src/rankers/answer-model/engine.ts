/** A judge on our own engine. */

import { loadLM } from '../../lm/files.js';
import { lastLogits } from '../../lm/prefix-sharing.js';
import type { LogitHost } from './host.js';

/** Loads `dir`/model.safetensors. @throws UserError where it is missing or cannot be used. */
export async function loadEngine(dir: string): Promise<LogitHost> {
  const lm = await loadLM(dir);
  return {
    maxTokens: lm.description.positions,
    vocabSize: lm.description.vocab,
    lastLogits: (...args) => lastLogits(lm, ...args),
    close: async () => lm.dispose(),
  };
}
