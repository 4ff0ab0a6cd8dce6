/**
 * A causal language model: its parameters, and its passes over texts.
 *
 * Dimension letters: B sequences, T positions, M = B·T rows, D width, V vocabulary.
 */
import { causalAttention, embed, type KeptDecoder } from '../engine/fused.js';
import * as tf from '../engine/tf.js';
import { UserError } from '../store/errors.js';
import type { LMConfig } from './architecture.js';
import { type Attend, runBlocks } from './blocks.js';
import type { Description } from './description.js';
import { initialValues } from './init.js';

export class CausalLM {
  /** What a GPU's engine keeps for generation with this model (decoder.ts). */
  decoder: KeptDecoder | null = null;
  private readonly byRole: ReadonlyMap<string, tf.Variable>;

  /** params: variables by their Hugging Face names, in the order of config.parameters. The model owns them. */
  constructor(
    readonly config: LMConfig,
    readonly params: ReadonlyMap<string, tf.Variable>,
    /** What errors call it: its folder. */
    readonly name = 'the model',
  ) {
    this.byRole = new Map(config.parameters.map(({ role, name }) => [role, params.get(name)!]));
  }

  /** A new model (init.ts). */
  static init(config: LMConfig, seed: number): CausalLM {
    return CausalLM.from(config, initialValues(config, seed));
  }

  /** A model with the given values by name, which must be complete (files.ts checks). Takes over the arrays. */
  static from(config: LMConfig, values: ReadonlyMap<string, Float32Array>, name?: string): CausalLM {
    const params = new Map<string, tf.Variable>();
    for (const { name, shape } of config.parameters) {
      const value = tf.tensor(values.get(name)!, shape);
      params.set(name, tf.variable(value));
      value.dispose();
    }
    return new CausalLM(config, params, name);
  }

  /** A copy with its own variables. */
  clone(): CausalLM {
    const copy = [...this.params].map(([name, v]) => [name, Float32Array.from(v.dataSync())] as const);
    return CausalLM.from(this.config, new Map(copy), this.name);
  }

  get description(): Description {
    return this.config.description;
  }

  /** What to say where it gives no numbers. */
  notFinite(what: string): UserError {
    return new UserError(
      `${this.name} gives ${what} that are not finite: its weights are damaged, or its training diverged; take another model, or train it with a smaller --lr`,
    );
  }

  /** Number of parameters. */
  get size(): number {
    let n = 0;
    for (const v of this.params.values()) n += v.size;
    return n;
  }

  /** A parameter by its role, such as "layers.0.mlp.up.weight"; undefined where the model has none. */
  parameter<R extends tf.Rank>(role: string): tf.Variable<R> | undefined {
    return this.byRole.get(role) as tf.Variable<R> | undefined;
  }

  /** [V,D], the token embedding. */
  get wte(): tf.Variable<tf.Rank.R2> {
    return this.parameter('embedding.weight')!;
  }

  /** [positions,D], added to the token embedding; null where positions enter in another way. */
  get wpe(): tf.Variable<tf.Rank.R2> | null {
    return this.parameter<tf.Rank.R2>('positions.weight') ?? null;
  }

  /** [V,D], the output projection; `wte` itself where they are tied. */
  get head(): tf.Variable<tf.Rank.R2> {
    return this.parameter<tf.Rank.R2>('head.weight') ?? this.wte;
  }

  /**
   * ids [B·T], sequences padded on the right (causal attention keeps padding from reaching what precedes it) → [B·T,D]
   * after the final norm. Differentiable in the parameters.
   * @throws UserError where T exceeds the model's positions
   */
  hidden(ids: Int32Array, B: number, T: number): tf.Tensor2D {
    return tf.tidy(() => this.hiddenOf(this.embedding(ids, this.positions(B, T)), B, T));
  }

  /**
   * Positions 0 to T−1 for each of B sequences.
   * @throws UserError where T exceeds the model's positions
   */
  positions(B: number, T: number): Int32Array {
    const { positions } = this.description;
    if (T > positions) {
      throw new UserError(
        `a text of ${T} tokens is too long for the model's ${positions} positions; shorten it`,
      );
    }
    // By a loop: before each step a GPU waits for it, and Int32Array.from, by iterators, takes twenty times as long.
    const all = new Int32Array(B * T);
    for (let m = 0; m < all.length; m++) all[m] = m % T;
    return all;
  }

  /** ids, positions [M] → [M,D], what the first layer reads. */
  embedding(ids: Int32Array, positions: Int32Array): tf.Tensor2D {
    return embed(ids, this.wpe && positions, this.wte, this.wpe);
  }

  /** The layers on the embeddings [B·T,D] of whole sequences → [B·T,D] after the final norm. */
  hiddenOf(embeddings: tf.Tensor2D, B: number, T: number): tf.Tensor2D {
    return this.layers(embeddings, this.positions(B, T), (projected) =>
      causalAttention(projected, { B, T, ...this.description.attention }),
    );
  }

  /** The layers around any attention (blocks.ts): embeddings [M,D] of tokens at positions [M] → [M,D], or [wanted,D]. */
  layers(embeddings: tf.Tensor2D, positions: Int32Array, attend: Attend, wanted?: Int32Array): tf.Tensor2D {
    return runBlocks(this, embeddings, positions, attend, wanted);
  }

  dispose(): void {
    this.decoder?.native.close();
    this.decoder = null;
    for (const v of this.params.values()) v.dispose();
  }
}
