/**
 * What a model is made of, said once: the forward pass (blocks.ts), the decoders (decoder.ts, kernels/) and the ONNX exporter
 * read it, and the parameters follow from it (parameters.ts).
 *
 * Dimension letters: D width, H heads, KV key/value heads, Dh width of a head, I width within the MLP, V vocabulary.
 */
import type { GluActivation, Rotation } from '../engine/fused.js';

/**
 * Pre-norm blocks, x + attention(norm(x)), then x + mlp(norm(x)), and a norm behind the last.
 */
export interface Description {
  layers: number;
  /** D. */
  width: number;
  /** V. */
  vocab: number;
  /** Most tokens of a text. */
  positions: number;
  /** How a token's position enters: as a learned vector added to its embedding, or by turning its queries and keys. */
  place: 'learned' | Rotation;
  /** Layer norm has a bias, root-mean-square norm none. */
  norm: { kind: 'layer' | 'rms'; eps: number };
  attention: {
    /** H, of queries, each of headDim numbers; H·Dh need not be D. */
    heads: number;
    /** KV, a divisor of H: H/KV query heads in a row share one. */
    kvHeads: number;
    /** Dh. */
    headDim: number;
    /** Queries, keys and values are one product, attention.qkv, [H·Dh + 2·KV·Dh] wide, in this order; else three. */
    packed: boolean;
  };
  mlp: {
    /** I. */
    inner: number;
  } & (
    | { gated: false; activation: 'gelu' } // down(act(up(x)))
    | { gated: true; activation: GluActivation } // down(act(gate(x)) · up(x))
  );
  /** The linear parts that have a bias. */
  biases: readonly LinearPart[];
  /** Linear layers' weights are [out,in]; else [in,out] (Conv1D). Embedding and head are [V,D] always. */
  transposed: boolean;
  /** The head is the embedding. */
  tied: boolean;
}

/** A layer's linear parts, and all of its parts; a model's parts outside of its layers. */
export type LinearPart = `attention.${'qkv' | 'q' | 'k' | 'v' | 'out'}` | `mlp.${'gate' | 'up' | 'down'}`;
export type LayerPart = LinearPart | 'attention.norm' | 'mlp.norm';
export type OuterPart = 'embedding' | 'positions' | 'norm' | 'head';

/** Hugging Face's names of the parts, in the order of its parameters. A tied head has a name, too: files may hold it. */
export type Names = Readonly<Record<Exclude<OuterPart, 'positions'>, string>> & {
  readonly positions?: string;
  /** Part p of layer i is called `${prefix}.${i}.${parts[p]}`. */
  readonly layers: { readonly prefix: string; readonly parts: Readonly<Partial<Record<LayerPart, string>>> };
};
