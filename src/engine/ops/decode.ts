import { activeNative, type NativeBackend, type Precision } from '../backend.js';
import type { FloatArray, NativeDecoder } from '../native.js';
import type * as tf from '../tf.js';
import { ACTIVATION_CODES, type GluActivation } from './glu.js';
import type { Rotation } from './rotary.js';

/** See NativeDecoder. close ends its use; a new one is opened after the weights change. */
export type Decoder = Pick<NativeDecoder, 'prefill' | 'step' | 'close'>;

/**
 * A decoder in a GPU's memory that outlives its uses: weights in the engine's precision, buffers, and the graphs of its
 * steps, which take longer to make than many a batch. Keys and values are not kept.
 */
export interface KeptDecoder {
  readonly backend: NativeBackend;
  readonly precision: Precision;
  readonly native: NativeDecoder;
  inUse: boolean;
}

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
 * The engine's own decoder over these weights (in the order that native.ts lists), or null where it has none. The weights must
 * not change or be disposed of until it is closed. On a GPU the decoder in `keeper`, made for the same shape, is used again, unless
 * it is in use: its weights are copied anew, in about a millisecond, since nothing tells whether they have changed. One that is
 * made is kept there; who owns the keeper closes it.
 */
export function openDecoder(
  shape: DecoderShape,
  weights: readonly (tf.Tensor | null)[],
  keeper: { decoder: KeptDecoder | null },
): Decoder | null {
  const backend = activeNative('createDecoder');
  if (!backend) return null;
  const raw = weights.map((w) => w && backend.raw(w));
  if (!backend.storage.onDevice || keeper.decoder?.inUse) return create(backend, shape, raw);
  const { precision } = backend;
  if (keeper.decoder?.backend === backend && keeper.decoder.precision === precision)
    keeper.decoder.native.renew(raw);
  else {
    keeper.decoder?.native.close();
    keeper.decoder = null;
    keeper.decoder = { backend, precision, native: create(backend, shape, raw), inUse: false };
  }
  const kept = keeper.decoder;
  kept.inUse = true;
  return {
    prefill: (...batch) => kept.native.prefill(...batch),
    step: (...next) => kept.native.step(...next),
    close() {
      kept.native.closeBatch();
      kept.inUse = false;
    },
  };
}

function create(backend: NativeBackend, shape: DecoderShape, weights: (FloatArray | null)[]): NativeDecoder {
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
    weights,
    backend.precision === 'bfloat16',
  );
}
