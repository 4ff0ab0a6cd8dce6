/**
 * Learning from comparisons. The reward r(x) of a text x is the log-odds of one answer token against another after it, which
 * needs two rows of the output projection only: r = h·(head[positive] − head[negative]), h [D] the hidden state at the text's
 * last token.
 */
import { embed, gatherRows } from '../engine/fused.js';
import * as tf from '../engine/tf.js';
import { rectangles } from './batch.js';
import type { CausalLM } from './model.js';
import { addGrads, hiddenGrads, type Objective } from './train.js';

/** Two whole questions as token ids, up to where the answer comes. */
export interface Preference {
  chosen: readonly number[];
  rejected: readonly number[];
}

/**
 * The loss of a pair. Bradley–Terry, −ln σ(r_chosen − r_rejected), knows only which is better (Bradley & Terry 1952; Stiennon et
 * al. 2020); Yes/No, −ln σ(r_chosen) − ln σ(−r_rejected), asks for the answers themselves (Scheurer et al. 2023).
 */
export type PreferenceForm = 'bradley-terry' | 'yes-no';

/** −ln σ(x). */
const negLogSigmoid = (x: tf.Tensor1D): tf.Tensor1D => tf.softplus(tf.neg(x));

/** Rewards [n] of the chosen and of the rejected → losses [n]. */
const LOSSES: Record<PreferenceForm, (chosen: tf.Tensor1D, rejected: tf.Tensor1D) => tf.Tensor1D> = {
  'bradley-terry': (chosen, rejected) => negLogSigmoid(tf.sub(chosen, rejected)),
  'yes-no': (chosen, rejected) => tf.add(negLogSigmoid(chosen), tf.softplus(rejected)),
};

/** Texts as one right-padded rectangle, and the row of each one's last token. */
function toRectangle(texts: readonly (readonly number[])[]) {
  const B = texts.length;
  const T = Math.max(...texts.map((text) => text.length));
  const ids = new Int32Array(B * T);
  texts.forEach((text, b) => {
    ids.set(text, b * T);
  });
  return { ids, B, T, last: Int32Array.from(texts, (text, b) => b * T + text.length - 1) };
}

/**
 * The mean loss over pairs, in nats, for `trainOn`. positive and negative are the answers' ids; texts hold at least one token.
 * Both texts of a pair are in one rectangle, which may exceed maxTokens where it holds a single pair.
 */
export function preferenceObjective(
  form: PreferenceForm,
  positive: number,
  negative: number,
): Objective<Preference> {
  const answers = Int32Array.of(positive, negative);
  return (lm: CausalLM, pairs: readonly Preference[], maxTokens: number) => {
    const widths = pairs.map(({ chosen, rejected }) => 2 * Math.max(chosen.length, rejected.length));
    const tokens = pairs.reduce((sum, { chosen, rejected }) => sum + chosen.length + rejected.length, 0);
    const losses: tf.Scalar[] = [];
    let grads: tf.Tensor[] | null = null;
    for (const part of rectangles(widths, maxTokens)) {
      const n = part.length;
      const texts = [...part.map((i) => pairs[i]!.chosen), ...part.map((i) => pairs[i]!.rejected)];
      const { last, ...rectangle } = toRectangle(texts);
      const fresh = hiddenGrads(lm, rectangle, (h) => {
        const [yes, no] = tf.split(embed(answers, null, lm.head, null), 2) as [tf.Tensor2D, tf.Tensor2D];
        const rewards: tf.Tensor1D = tf.sum(tf.mul(gatherRows(h, last), tf.sub(yes, no)), 1);
        const each = LOSSES[form](tf.slice(rewards, 0, n), tf.slice(rewards, n, n));
        return tf.div<tf.Scalar>(tf.sum(each), pairs.length);
      });
      losses.push(fresh.loss);
      grads = addGrads(grads, fresh.grads);
    }
    return { losses, tokens, grads };
  };
}
