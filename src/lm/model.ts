/**
 * A causal language model of GPT-2's architecture (Radford et al. 2019): learned positions, pre-norm blocks,
 * GELU, output projection tied to the token embedding. Leaves out dropout: our runs see each example once or
 * twice.
 *
 * Dimension letters: B sequences, T positions, M = B·T rows, D width, V vocabulary.
 */
import { causalAttention, embed, gatherRows, layerNorm, linear } from '../engine/fused.js';
import * as tf from '../engine/tf.js';
import { UserError } from '../store/errors.js';
import type { Gpt2Config } from './config.js';
import { normals, randomStream } from './random.js';

/**
 * Every parameter's name and shape, in Hugging Face's names and order. Linear weights are [in, out] (Conv1D).
 */
export function parameterShapes(config: Gpt2Config): Map<string, number[]> {
  const { n_embd: D, n_positions, vocab_size, n_layer } = config;
  const inner = config.n_inner ?? 4 * D;
  const shapes = new Map<string, number[]>([
    ['wte.weight', [vocab_size, D]],
    ['wpe.weight', [n_positions, D]],
  ]);
  for (let i = 0; i < n_layer; i++) {
    const add = (name: string, shape: number[]) => shapes.set(`h.${i}.${name}`, shape);
    const both = (name: string, shape: number[]) => {
      add(`${name}.weight`, shape);
      add(`${name}.bias`, [shape.at(-1)!]);
    };
    both('ln_1', [D]);
    both('attn.c_attn', [D, 3 * D]);
    both('attn.c_proj', [D, D]);
    both('ln_2', [D]);
    both('mlp.c_fc', [D, inner]);
    both('mlp.c_proj', [inner, D]);
  }
  shapes.set('ln_f.weight', [D]).set('ln_f.bias', [D]);
  return shapes;
}

/** Copies the query weights of the first half of the heads over their key weights. c_attn is [D, 3·D]: queries, keys, values. */
function makeMatchers(c_attn: Float32Array, { n_embd: D, n_head }: Gpt2Config): void {
  const columns = Math.floor(n_head / 2) * (D / n_head);
  for (let i = 0; i < D; i++) {
    const row = i * 3 * D;
    c_attn.copyWithin(row + D, row, row + columns);
  }
}

export class CausalLM {
  /** params: variables by their Hugging Face names, as parameterShapes lists them. The model owns them. */
  constructor(
    readonly config: Gpt2Config,
    readonly params: ReadonlyMap<string, tf.Variable>,
  ) {}

  /**
   * A new model. Scaled by width: linear layers std 1/√D, those that write into the residual stream also
   * /√(2·layers), token embeddings 0.05, positions 0.015, norms 1, biases 0. (With GPT-2's 0.02 a model of
   * width 128 does not learn to copy in 5 M tokens.)
   *
   * Half of the heads start as matchers: their keys' weights equal their queries', so each token attends to
   * earlier ones like it. Whether a value occurred before is then learned in 0.5 to 1 M tokens; without, not in
   * 4 M (bench/LOG.md).
   */
  static init(config: Gpt2Config, seed: number): CausalLM {
    const std = 1 / Math.sqrt(config.n_embd);
    const values = new Map<string, Float32Array>();
    let index = 0;
    for (const [name, shape] of parameterShapes(config)) {
      const n = tf.util.sizeFromShape(shape);
      const uniform = randomStream(seed, index++);
      if (/^w[tp]e\./.test(name))
        values.set(name, normals(n, name.startsWith('wte') ? 0.05 : 0.015, uniform));
      else if (name.endsWith('c_proj.weight')) {
        values.set(name, normals(n, std / Math.sqrt(2 * config.n_layer), uniform));
      } else if (shape.length === 2) values.set(name, normals(n, std, uniform));
      else values.set(name, new Float32Array(n).fill(name.endsWith('weight') ? 1 : 0));
      if (name.endsWith('c_attn.weight')) makeMatchers(values.get(name)!, config);
    }
    return CausalLM.from(config, values);
  }

  /** A model with the given values, which must be complete (files.ts checks). Takes over the arrays. */
  static from(config: Gpt2Config, values: ReadonlyMap<string, Float32Array>): CausalLM {
    const params = new Map<string, tf.Variable>();
    for (const [name, shape] of parameterShapes(config)) {
      const value = tf.tensor(values.get(name)!, shape);
      params.set(name, tf.variable(value));
      value.dispose();
    }
    return new CausalLM(config, params);
  }

  /** A copy with its own variables. */
  clone(): CausalLM {
    const copy = [...this.params].map(([name, v]) => [name, Float32Array.from(v.dataSync())] as const);
    return CausalLM.from(this.config, new Map(copy));
  }

  /** Number of parameters. */
  get size(): number {
    let n = 0;
    for (const v of this.params.values()) n += v.size;
    return n;
  }

  /** [V,D], the token embedding and the output projection. */
  get wte(): tf.Variable<tf.Rank.R2> {
    return this.param('wte.weight');
  }

  /** [n_positions,D]. */
  get wpe(): tf.Variable<tf.Rank.R2> {
    return this.param('wpe.weight');
  }

  private param<R extends tf.Rank>(name: string): tf.Variable<R> {
    return this.params.get(name) as tf.Variable<R>;
  }

  /**
   * ids [B·T], sequences padded on the right (causal attention keeps padding from reaching what precedes it)
   * → [B·T,D] after the final norm. Differentiable in the parameters. Throws UserError where T exceeds
   * n_positions.
   */
  hidden(ids: Int32Array, B: number, T: number): tf.Tensor2D {
    return tf.tidy(() => this.hiddenOf(this.embedding(ids, this.positions(B, T)), B, T));
  }

  /** Positions 0 to T−1 for each of B sequences. Throws UserError where T exceeds n_positions. */
  positions(B: number, T: number): Int32Array {
    const { n_positions } = this.config;
    if (T > n_positions) {
      throw new UserError(
        `a text of ${T} tokens is too long for the model's ${n_positions} positions; shorten it`,
      );
    }
    return Int32Array.from({ length: B * T }, (_, m) => m % T);
  }

  /** ids, positions [M] → [M,D], what the first layer reads. */
  embedding(ids: Int32Array, positions: Int32Array): tf.Tensor2D {
    return embed(ids, positions, this.wte, this.wpe);
  }

  /** The layers on the embeddings [B·T,D] of whole sequences → [B·T,D] after the final norm. */
  hiddenOf(embeddings: tf.Tensor2D, B: number, T: number): tf.Tensor2D {
    const { n_head, n_embd: D } = this.config;
    return this.layers(embeddings, (qkv) =>
      causalAttention(qkv.reshape([B, T, 3 * D]), n_head).reshape<tf.Tensor2D>([B * T, D]),
    );
  }

  /**
   * The layers around any attention: embeddings [M,D] → [M,D] after the final norm. attend turns a layer's
   * queries, keys and values [M,3D] into its mixed values [M,D]. With `wanted` only those rows come out, [wanted,D], and
   * the last layer does no more than they need.
   */
  layers(
    embeddings: tf.Tensor2D,
    attend: (qkv: tf.Tensor2D, layer: number) => tf.Tensor2D,
    wanted?: Int32Array,
  ): tf.Tensor2D {
    const eps = this.config.layer_norm_epsilon;
    const p1 = (name: string) => this.param<tf.Rank.R1>(name);
    const p2 = (name: string) => this.param<tf.Rank.R2>(name);
    return tf.tidy(() => {
      let x = embeddings;
      for (let i = 0; i < this.config.n_layer; i++) {
        const h = `h.${i}`;
        const a = layerNorm(x, p1(`${h}.ln_1.weight`), p1(`${h}.ln_1.bias`), eps);
        const qkv = linear(a, p2(`${h}.attn.c_attn.weight`), p1(`${h}.attn.c_attn.bias`));
        let mixed = attend(qkv, i);
        if (wanted && i === this.config.n_layer - 1)
          [mixed, x] = [gatherRows(mixed, wanted), gatherRows(x, wanted)];
        x = linear(mixed, p2(`${h}.attn.c_proj.weight`), p1(`${h}.attn.c_proj.bias`), { residual: x });
        const b = layerNorm(x, p1(`${h}.ln_2.weight`), p1(`${h}.ln_2.bias`), eps);
        const f = linear(b, p2(`${h}.mlp.c_fc.weight`), p1(`${h}.mlp.c_fc.bias`), { activation: 'gelu' });
        x = linear(f, p2(`${h}.mlp.c_proj.weight`), p1(`${h}.mlp.c_proj.bias`), { residual: x });
      }
      return layerNorm(x, p1('ln_f.weight'), p1('ln_f.bias'), eps);
    });
  }

  dispose(): void {
    for (const v of this.params.values()) v.dispose();
  }
}
