/**
 * Embedding similarity (Scheurer et al. 2023, their second ranker): the cosine between the embeddings of the feedback and
 * of the refinement. An embedding is the mean of an LM's hidden states over the text's tokens; a text is read alone, after
 * a space as completions are.
 */
import { loadLM } from '../lm/files.js';
import { meanHidden } from '../lm/mean-hidden.js';
import { loadTokenizer } from '../text/tokenizer.js';
import { checkPair } from './pair.js';
import type { OpenRanker } from './ranker.js';

/** Loads the LM of `dir` on our engine. Errors: UserError where it or its tokenizer is missing or cannot be used. */
export async function openEmbeddingSimilarity(dir: string): Promise<OpenRanker> {
  const [tokenizer, lm] = [await loadTokenizer(dir), await loadLM(dir)];
  const close = async () => lm.dispose();
  try {
    checkPair(dir, tokenizer, lm.description.vocab);
  } catch (error) {
    await close();
    throw error;
  }
  return {
    name: 'embedding',
    close,
    async score(groups, onProgress) {
      const texts = [
        ...new Set(groups.flatMap((group) => group.flatMap((each) => [each.feedback, each.refinement]))),
      ];
      let done = 0;
      const embeddings = await meanHidden(
        lm,
        texts.map((text) => tokenizer.encode(` ${text}`)),
        (count) => {
          done += count;
          onProgress?.(done / texts.length);
        },
      );
      const of = new Map(texts.map((text, i) => [text, embeddings[i]!]));
      return groups.map((group) =>
        group.map(({ feedback, refinement }) => ({
          score: cosine(of.get(feedback)!, of.get(refinement)!),
          perPrompt: [],
        })),
      );
    },
  };
}

function cosine(a: Float32Array, b: Float32Array): number {
  const dot = (x: Float32Array, y: Float32Array) => x.reduce((sum, value, i) => sum + value * y[i]!, 0);
  return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
}
