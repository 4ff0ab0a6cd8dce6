/**
 * The layers of a model as its description says, around any attention, by the engine's fused operations.
 *
 * Dimension letters: M rows (tokens), D width, H heads, KV key/value heads, Dh width of a head, I width within the MLP.
 */
import {
  type Branches,
  gatherRows,
  glu,
  type LinearOptions,
  layerNorm,
  layerNormBranch,
  linear,
  type Projected,
  rmsNorm,
  rmsNormBranch,
  rotary,
} from '../engine/fused.js';
import * as tf from '../engine/tf.js';
import type { Description, LayerPart, LinearPart } from './description.js';

/** What the layers read of a model. */
export interface Weights {
  readonly description: Description;
  /** By its role, "layers.0.mlp.up.weight"; undefined where the model has none. */
  parameter<R extends tf.Rank>(role: string): tf.Variable<R> | undefined;
}

/** A layer's queries [M,H·Dh], keys and values [M,KV·Dh], apart or in one tensor → its mixed values [M,H·Dh]. */
export type Attend = (projected: Projected, layer: number) => tf.Tensor2D;

function norm(model: Weights, role: string, x: tf.Tensor2D): tf.Tensor2D {
  const { kind, eps } = model.description.norm;
  const weight = model.parameter<tf.Rank.R1>(`${role}.weight`)!;
  return kind === 'rms'
    ? rmsNorm(x, weight, eps)
    : layerNorm(x, weight, model.parameter<tf.Rank.R1>(`${role}.bias`)!, eps);
}

/** The same where x is also added to what comes of it. */
function branch(model: Weights, role: string, x: tf.Tensor2D): Branches {
  const { kind, eps } = model.description.norm;
  const weight = model.parameter<tf.Rank.R1>(`${role}.weight`)!;
  return kind === 'rms'
    ? rmsNormBranch(x, weight, eps)
    : layerNormBranch(x, weight, model.parameter<tf.Rank.R1>(`${role}.bias`)!, eps);
}

/** One layer. */
class Layer {
  constructor(
    private readonly model: Weights,
    private readonly index: number,
  ) {}

  private role(part: LayerPart): string {
    return `layers.${this.index}.${part}`;
  }

  private linear(
    part: LinearPart,
    x: tf.Tensor2D,
    options: Omit<LinearOptions, 'transposeW'> = {},
  ): tf.Tensor2D {
    const { model } = this;
    const weight = model.parameter<tf.Rank.R2>(`${this.role(part)}.weight`)!;
    const bias = model.parameter<tf.Rank.R1>(`${this.role(part)}.bias`) ?? null;
    return linear(x, weight, bias, { ...options, transposeW: model.description.transposed });
  }

  /** x [M,D] of a layer, normed and as it is. */
  begin(x: tf.Tensor2D): Branches {
    return branch(this.model, this.role('attention.norm'), x);
  }

  /** What is normed [M,D] → queries, keys and values, turned by their positions [M] where those are rotary. */
  projected(normed: tf.Tensor2D, positions: Int32Array): Projected {
    const { attention, place } = this.model.description;
    const { heads: H, kvHeads: KV } = attention;
    if (attention.packed) {
      const qkv = this.linear('attention.qkv', normed);
      return [place === 'learned' ? qkv : rotary(qkv, positions, H + 2 * KV, place, H + KV)];
    }
    const [q, k] = [this.linear('attention.q', normed), this.linear('attention.k', normed)];
    const v = this.linear('attention.v', normed);
    if (place === 'learned') return [q, k, v];
    return [rotary(q, positions, H, place), rotary(k, positions, KV, place), v];
  }

  /** What comes of attention's mixed values [M,H·Dh] and of its input x [M,D]: [M,D]. */
  rest(mixed: tf.Tensor2D, x: tf.Tensor2D): tf.Tensor2D {
    const { mlp } = this.model.description;
    const [normed, attended] = branch(
      this.model,
      this.role('mlp.norm'),
      this.linear('attention.out', mixed, { residual: x }),
    );
    const inner = mlp.gated
      ? glu(this.linear('mlp.gate', normed), this.linear('mlp.up', normed), mlp.activation)
      : this.linear('mlp.up', normed, { activation: mlp.activation });
    return this.linear('mlp.down', inner, { residual: attended });
  }
}

/**
 * Embeddings [M,D] of tokens at positions [M] → [M,D] after the final norm. With `wanted` only those rows come out,
 * [wanted,D], and the last layer does no more than they need.
 */
export function runBlocks(
  model: Weights,
  embeddings: tf.Tensor2D,
  positions: Int32Array,
  attend: Attend,
  wanted?: Int32Array,
): tf.Tensor2D {
  const { layers } = model.description;
  return tf.tidy(() => {
    let x = embeddings;
    for (let i = 0; i < layers; i++) {
      const layer = new Layer(model, i);
      let [normed, kept] = layer.begin(x);
      let mixed = attend(layer.projected(normed, positions), i);
      if (wanted && i === layers - 1) [mixed, kept] = [gatherRows(mixed, wanted), gatherRows(kept, wanted)];
      x = layer.rest(mixed, kept);
    }
    return norm(model, 'norm', x);
  });
}
