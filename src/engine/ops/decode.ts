import { activeNative } from '../backend.js';
import type { NativeDecoder } from '../native.js';
import type * as tf from '../tf.js';
import { ACTIVATION_CODES, type GluActivation } from './glu.js';
import type { Rotation } from './rotary.js';

export type Decoder = NativeDecoder;

/** What the engine's decoder must know of a model, besides its weights. */
export interface DecoderShape {
  layers: number;
  width: number;
  vocab: number;
  positions: number;
  place: 'learned' | Rotation;
  norm: { kind: 'layer' | 'rms'; eps: number };
  attention: { heads: number; kvHeads: number; headDim: number };
  mlp: { inner: number; activation: GluActivation };
  transposed: boolean;
}

/**
 * Rows to decode together: enough to fill the matrix products (a GPU reads its weights in the same time for one row and for
 * hundreds), few enough that the caches stay small.
 */
export const rowsTogether = (): number => (activeNative('createDecoder')?.storage.onDevice ? 256 : 128);

/**
 * The engine's own decoder over these weights (in the order that native.ts lists), or null where it
 * has none. The weights must not change or be disposed of until it is closed.
 */
export function openDecoder(shape: DecoderShape, weights: readonly (tf.Tensor | null)[]): Decoder | null {
  const backend = activeNative('createDecoder');
  if (!backend) return null;
  const { layers, width, vocab, positions, place, norm, attention, mlp, transposed } = shape;
  const { heads, kvHeads, headDim } = attention;
  const rotation = place === 'learned' ? { frequencies: [], interleaved: false, scale: 1 } : place;
  return backend.native.createDecoder(
    {
      ...{ layers, width, heads, kvHeads, headDim, inner: mlp.inner, vocab, positions, transposed },
      norm: norm.kind === 'layer' ? 0 : 1,
      eps: norm.eps,
      act: ACTIVATION_CODES[mlp.activation],
      frequencies: Float64Array.from(rotation.frequencies),
      interleaved: rotation.interleaved,
      rotaryScale: rotation.scale,
    },
    weights.map((w) => w && backend.raw(w)),
    backend.precision === 'bfloat16',
  );
}
