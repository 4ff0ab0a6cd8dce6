/**
 * Generation token by token with cached keys and values: the engine's decoder where it has one, else one that
 * projects with tfjs ops and keeps the caches, and attends, on the host.
 */
import { causalAttention, type Decoder, openDecoder, sampleTokens } from '../engine/fused.js';
import * as tf from '../engine/tf.js';
import type { CausalLM } from './model.js';

/**
 * Opens a decoder on lm (see NativeDecoder for what its methods do). lm must not be trained or disposed of
 * until it is closed.
 */
export function openLMDecoder(lm: CausalLM): Decoder {
  const { n_layer, n_head, n_embd, vocab_size, n_positions, layer_norm_epsilon, n_inner } = lm.config;
  const shape = {
    layers: n_layer,
    heads: n_head,
    width: n_embd,
    vocab: vocab_size,
    positions: n_positions,
    eps: layer_norm_epsilon,
  };
  const usual = n_inner === null || n_inner === 4 * n_embd;
  return (usual ? openDecoder(shape, [...lm.params.values()]) : null) ?? hostDecoder(lm);
}

/**
 * Keys and values of one layer: of the prompts [P,T,2,D], shared by their rows, and of each row's new tokens
 * [R,maxNew,2,D].
 */
interface Cache {
  prompt: Float32Array;
  fresh: Float32Array;
}

export function hostDecoder(lm: CausalLM): Decoder {
  const { n_layer, n_head: H, n_embd: D, vocab_size: V } = lm.config;
  let caches: Cache[] = [];
  let lengths = new Int32Array(0);
  let perPrompt = 1;
  let T = 0;
  let maxNew = 0;
  let done = 0;
  let first = new Float32Array(0); // logits [P,V] at the prompts' last tokens

  const project = (h: tf.Tensor2D) => tf.matMul(h, lm.wte, false, true).dataSync() as Float32Array;

  /** Row r's query q [D] over its prompt and its new tokens up to the one being computed → out [D]. */
  const attend = ({ prompt, fresh }: Cache, r: number, q: Float32Array, out: Float32Array) => {
    const p = Math.floor(r / perPrompt);
    const length = lengths[p]!;
    const count = length + done + 1;
    const scores = new Float64Array(count);
    const scale = 1 / Math.sqrt(D / H);
    const at = (t: number) => (t < length ? (p * T + t) * 2 * D : (r * maxNew + t - length) * 2 * D);
    const source = (t: number) => (t < length ? prompt : fresh);
    out.fill(0);
    for (let h = 0; h < H; h++) {
      const [from, to] = [(h * D) / H, ((h + 1) * D) / H];
      let max = Number.NEGATIVE_INFINITY;
      for (let t = 0; t < count; t++) {
        const [keys, offset] = [source(t), at(t)];
        let dot = 0;
        for (let d = from; d < to; d++) dot += q[d]! * keys[offset + d]!;
        scores[t] = dot * scale;
        if (scores[t]! > max) max = scores[t]!;
      }
      let sum = 0;
      for (let t = 0; t < count; t++) {
        scores[t] = Math.exp(scores[t]! - max);
        sum += scores[t]!;
      }
      for (let t = 0; t < count; t++) {
        const [values, offset] = [source(t), at(t) + D];
        const weight = scores[t]! / sum;
        for (let d = from; d < to; d++) out[d] = out[d]! + weight * values[offset + d]!;
      }
    }
  };

  /** Appends a token to each of rows; the logits [rows.length,V] behind them. */
  const advance = (rows: Int32Array, tokens: Int32Array): Float32Array => {
    const R = rows.length;
    const positions = Int32Array.from(rows, (r) => lengths[Math.floor(r / perPrompt)]! + done);
    let logits = new Float32Array(0);
    tf.tidy(() => {
      const h = lm.layers(lm.embedding(tokens, positions), (qkv, layer) => {
        const values = qkv.dataSync() as Float32Array;
        const mixed = new Float32Array(R * D);
        const cache = caches[layer]!;
        rows.forEach((r, i) => {
          const row = values.subarray(i * 3 * D, (i + 1) * 3 * D);
          cache.fresh.set(row.subarray(D), (r * maxNew + done) * 2 * D);
          attend(cache, r, row.subarray(0, D), mixed.subarray(i * D, (i + 1) * D));
        });
        return tf.tensor2d(mixed, [R, D]);
      });
      // Not returned: tidy would look for tensors in it, number by number, for a fifth of the time of generating.
      logits = project(h).slice();
    });
    return logits;
  };

  return {
    prefill(prompts, promptLengths, n, most) {
      const P = promptLengths.length;
      lengths = promptLengths.slice();
      perPrompt = n;
      T = prompts.length / P;
      maxNew = most;
      done = 0;
      const positions = Int32Array.from({ length: P * T }, (_, m) => m % T);
      caches = [];
      tf.tidy(() => {
        const h = lm.layers(lm.embedding(prompts, positions), (qkv) => {
          const rows = qkv.dataSync();
          const prompt = new Float32Array(P * T * 2 * D);
          for (let m = 0; m < P * T; m++)
            prompt.set(rows.subarray(m * 3 * D + D, (m + 1) * 3 * D), m * 2 * D);
          caches.push({ prompt, fresh: new Float32Array(P * n * maxNew * 2 * D) });
          return causalAttention(qkv.reshape([P, T, 3 * D]), H).reshape<tf.Tensor2D>([P * T, D]);
        });
        const last = Int32Array.from(lengths, (length, p) => p * T + length - 1);
        first = project(tf.gather(h, tf.tensor1d(last, 'int32'))).slice();
      });
    },
    step(rows, previous, temperature, topK, topP, uniform, tokens, logprob, logits) {
      let drawn: Float32Array;
      if (previous) {
        drawn = advance(rows, previous);
        done++;
      } else {
        drawn = new Float32Array(rows.length * V);
        rows.forEach((r, i) => {
          const p = Math.floor(r / perPrompt);
          drawn.set(first.subarray(p * V, (p + 1) * V), i * V);
        });
      }
      logits?.set(drawn);
      sampleTokens(rows.length, V, drawn, { temperature, topK, topP }, uniform, tokens, logprob);
    },
    close() {
      caches = new Array<Cache>(n_layer).fill({ prompt: new Float32Array(0), fresh: new Float32Array(0) });
    },
  };
}
