/** Embeddings of texts: the mean of the hidden states, after the final norm, over a text's tokens. */
import * as tf from '../engine/tf.js';
import { allFinite } from '../store/finite.js';
import { rectangles } from './batch.js';
import type { CausalLM } from './model.js';

/** Most padded tokens computed at once. */
const MAX_TOKENS = 8192;

/**
 * [text][D]; each text is read alone and has one token at least. `onDone` is told how many texts were finished.
 * maxTokens bounds memory, not the result.
 * @throws UserError for a text that is longer than the model's positions
 */
export async function meanHidden(
  lm: CausalLM,
  texts: readonly (readonly number[])[],
  onDone?: (count: number) => void,
  maxTokens = MAX_TOKENS,
): Promise<Float32Array[]> {
  const D = lm.description.width;
  const out = new Array<Float32Array>(texts.length);
  const lengths = texts.map(({ length }) => length);
  for (const part of rectangles(lengths, maxTokens)) {
    const [B, T] = [part.length, Math.max(...part.map((i) => lengths[i]!))];
    const ids = new Int32Array(B * T);
    const weights = new Float32Array(B * T);
    for (const [b, i] of part.entries()) {
      ids.set(texts[i]!, b * T);
      weights.fill(1 / lengths[i]!, b * T, b * T + lengths[i]!);
    }
    const means = tf.tidy(() => {
      const hidden = lm.hidden(ids, B, T).reshape<tf.Tensor3D>([B, T, D]);
      return tf.matMul(tf.tensor3d(weights, [B, 1, T]), hidden).dataSync() as Float32Array;
    });
    if (!allFinite(means)) throw lm.notFinite('hidden states');
    for (const [b, i] of part.entries()) out[i] = means.slice(b * D, (b + 1) * D);
    onDone?.(B);
    // Lets timers and signals in.
    await new Promise((resolve) => setImmediate(resolve));
  }
  return out;
}
