import type { CausalLM } from '../lm/model.js';
import { type ScoreItem, scoreCompletions } from '../lm/score.js';
import type { OnTexts } from './writer.js';

/** Texts worked on between two reports of progress. */
const CHUNK = 256;

/** `work` on all items, some at a time, for work that says nothing while it goes on. */
export async function inChunks<T, R>(
  items: readonly T[],
  work: (some: readonly T[]) => Promise<R[]>,
  onProgress: OnTexts,
): Promise<R[]> {
  const done: R[] = [];
  for (let from = 0; from < items.length; from += CHUNK) {
    done.push(...(await work(items.slice(from, from + CHUNK))));
    onProgress(done.length, items.length);
  }
  return done;
}

/** ln p of every completion token, as `scoreCompletions`. */
export const scoreAll = (
  lm: CausalLM,
  items: readonly ScoreItem[],
  onProgress: OnTexts,
): Promise<Float32Array[]> => inChunks(items, (some) => scoreCompletions(lm, some), onProgress);
