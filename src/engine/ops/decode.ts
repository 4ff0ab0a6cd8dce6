import { activeNative } from '../backend.js';
import type { NativeDecoder } from '../native.js';
import type * as tf from '../tf.js';

export type Decoder = NativeDecoder;

export interface DecoderShape {
  layers: number;
  heads: number;
  width: number;
  vocab: number;
  positions: number;
  eps: number;
}

/**
 * Rows to decode together: enough to fill the matrix products (a GPU reads its weights in the same time for one row and for
 * hundreds), few enough that the caches stay small.
 */
export const rowsTogether = (): number => (activeNative('createDecoder')?.storage.onDevice ? 256 : 128);

/**
 * The engine's own decoder over these weights (GPT-2's, in the order that native.ts lists), or null where it
 * has none. The weights must not change or be disposed of until it is closed.
 */
export function openDecoder(shape: DecoderShape, weights: readonly tf.Tensor[]): Decoder | null {
  const backend = activeNative('createDecoder');
  if (!backend) return null;
  return backend.native.createDecoder(
    shape,
    weights.map((w) => backend.raw(w)),
    backend.precision === 'bfloat16',
  );
}
