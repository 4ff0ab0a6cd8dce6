/**
 * Generation token by token with cached keys and values: the engine's decoder where it has one, else one that
 * projects with tfjs ops and keeps the caches, and attends, on the host.
 */
import {
  causalAttention,
  type Decoder,
  openDecoder,
  type Projected,
  sampleTokens,
  stepByStep,
} from '../engine/fused.js';
import type { NativeDecoder } from '../engine/native.js';
import * as tf from '../engine/tf.js';
import type { LayerPart } from './description.js';
import type { CausalLM } from './model.js';

/** A layer's parts in the order in which the engine's decoder takes them, each a weight and a bias. */
const LAYER_PARTS: readonly LayerPart[] = [
  'attention.norm',
  'attention.qkv',
  'attention.q',
  'attention.k',
  'attention.v',
  'attention.out',
  'mlp.norm',
  'mlp.gate',
  'mlp.up',
  'mlp.down',
];

/**
 * Opens a decoder on lm. lm must not be trained or disposed of
 * until it is closed.
 */
export function openLMDecoder(lm: CausalLM): Decoder {
  const both = (role: string) => [lm.parameter(`${role}.weight`), lm.parameter(`${role}.bias`)];
  const layers = Array.from({ length: lm.description.layers }, (_, i) =>
    LAYER_PARTS.flatMap((part) => both(`layers.${i}.${part}`)),
  );
  const weights = [lm.wte, lm.wpe, ...layers.flat(), ...both('norm'), lm.parameter('head.weight')];
  return (
    openDecoder(
      lm.description,
      weights.map((w) => w ?? null),
      lm,
    ) ?? stepByStep(hostDecoder(lm))
  );
}

/**
 * Keys and values of one layer, KV·Dh numbers each: of the prompts [P,T,2,KV·Dh], shared by their rows, and of each row's new
 * tokens [R,maxNew,2,KV·Dh].
 */
interface Cache {
  prompt: Float32Array;
  fresh: Float32Array;
}

export function hostDecoder(lm: CausalLM): Pick<NativeDecoder, 'prefill' | 'step' | 'close'> {
  const { layers, vocab: V, attention } = lm.description;
  const { heads: H, kvHeads: KV, headDim: Dh } = attention;
  const [ofQ, ofK] = [H * Dh, KV * Dh];
  let caches: Cache[] = [];
  let lengths = new Int32Array(0);
  let perPrompt = 1;
  let T = 0;
  let maxNew = 0;
  let done = 0;
  let first = new Float32Array(0); // logits [P,V] at the prompts' last tokens

  const project = (h: tf.Tensor2D) => tf.matMul(h, lm.head, false, true).dataSync() as Float32Array;

  /** Row m's queries [ofQ], and its keys and values [2·ofK], of a layer's projections. */
  const onHost = (projected: Projected) => {
    const values = projected.map((x) => x.dataSync() as Float32Array);
    const [x, k, v] = values as [Float32Array, Float32Array?, Float32Array?];
    const ld = ofQ + 2 * ofK;
    return {
      q: (m: number) => (k ? x.subarray(m * ofQ, (m + 1) * ofQ) : x.subarray(m * ld, m * ld + ofQ)),
      store: (m: number, into: Float32Array, at: number) => {
        if (!k || !v) return into.set(x.subarray(m * ld + ofQ, (m + 1) * ld), at);
        into.set(k.subarray(m * ofK, (m + 1) * ofK), at);
        into.set(v.subarray(m * ofK, (m + 1) * ofK), at + ofK);
      },
    };
  };

  /** Row r's query q [ofQ] over its prompt and its new tokens up to the one being computed → out [ofQ]. */
  const attend = ({ prompt, fresh }: Cache, r: number, q: Float32Array, out: Float32Array) => {
    const p = Math.floor(r / perPrompt);
    const length = lengths[p]!;
    const count = length + done + 1;
    const scores = new Float64Array(count);
    const scale = 1 / Math.sqrt(Dh);
    const at = (t: number) => (t < length ? (p * T + t) * 2 * ofK : (r * maxNew + t - length) * 2 * ofK);
    const source = (t: number) => (t < length ? prompt : fresh);
    out.fill(0);
    for (let h = 0; h < H; h++) {
      const [own, shared] = [h * Dh, Math.floor(h / (H / KV)) * Dh];
      let max = Number.NEGATIVE_INFINITY;
      for (let t = 0; t < count; t++) {
        const [keys, offset] = [source(t), at(t) + shared];
        let dot = 0;
        for (let d = 0; d < Dh; d++) dot += q[own + d]! * keys[offset + d]!;
        scores[t] = dot * scale;
        if (scores[t]! > max) max = scores[t]!;
      }
      let sum = 0;
      for (let t = 0; t < count; t++) {
        scores[t] = Math.exp(scores[t]! - max);
        sum += scores[t]!;
      }
      for (let t = 0; t < count; t++) {
        const [values, offset] = [source(t), at(t) + ofK + shared];
        const weight = scores[t]! / sum;
        for (let d = 0; d < Dh; d++) out[own + d] = out[own + d]! + weight * values[offset + d]!;
      }
    }
  };

  /** Appends a token to each of rows; the logits [rows.length,V] behind them. */
  const advance = (rows: Int32Array, tokens: Int32Array): Float32Array => {
    const R = rows.length;
    const positions = Int32Array.from(rows, (r) => lengths[Math.floor(r / perPrompt)]! + done);
    let logits = new Float32Array(0);
    tf.tidy(() => {
      const h = lm.layers(lm.embedding(tokens, positions), positions, (projected, layer) => {
        const { q, store } = onHost(projected);
        const mixed = new Float32Array(R * ofQ);
        const cache = caches[layer]!;
        rows.forEach((r, i) => {
          store(i, cache.fresh, (r * maxNew + done) * 2 * ofK);
          attend(cache, r, q(i), mixed.subarray(i * ofQ, (i + 1) * ofQ));
        });
        return tf.tensor2d(mixed, [R, ofQ]);
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
      const positions = lm.positions(P, T);
      caches = [];
      tf.tidy(() => {
        const h = lm.layers(lm.embedding(prompts, positions), positions, (projected) => {
          const { store } = onHost(projected);
          const prompt = new Float32Array(P * T * 2 * ofK);
          for (let m = 0; m < P * T; m++) store(m, prompt, m * 2 * ofK);
          caches.push({ prompt, fresh: new Float32Array(P * n * maxNew * 2 * ofK) });
          return causalAttention(projected, { B: P, T, ...attention });
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
      caches = new Array<Cache>(layers).fill({ prompt: new Float32Array(0), fresh: new Float32Array(0) });
    },
  };
}
