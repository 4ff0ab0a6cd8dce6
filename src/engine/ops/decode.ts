import { activeNative, type NativeBackend, type Precision } from '../backend.js';
import type { FloatArray, NativeDecoder } from '../native.js';
import type * as tf from '../tf.js';
import { ACTIVATION_CODES, type GluActivation } from './glu.js';
import type { Rotation } from './rotary.js';

/** How the next token is drawn. */
export interface Drawing {
  temperature: number;
  topK: number;
  topP: number;
}

/**
 * Rows that continue their prompts, token by token. Ids and rows as in NativeDecoder. It is closed before the weights change.
 */
export interface Decoder {
  prefill: NativeDecoder['prefill'];
  /** Whether a step may be started before the one before it is read: then the GPU computes while the host looks at tokens. */
  readonly ahead: boolean;
  /**
   * Starts a step: each of rows has what it drew in the step before appended to it, or, in a batch's first step, nothing, and
   * draws its next token. uniform: a number in [0,1) for each row.
   */
  start(rows: Int32Array, drawing: Drawing, uniform: Float32Array): void;
  /** What the earliest started step drew, like its rows: tokens, and their log-probabilities. */
  read(tokens: Int32Array, logprob: Float32Array): void;
  close(): void;
}

/** A decoder that computes a step when it is read. */
export function stepByStep({
  prefill,
  step,
  close,
}: Pick<NativeDecoder, 'prefill' | 'step' | 'close'>): Decoder {
  let drawn = new Int32Array(0); // by each row, last
  let first = true;
  let started: Parameters<Decoder['start']>;
  return {
    ahead: false,
    prefill(prompts, lengths, n, maxNew) {
      drawn = new Int32Array(lengths.length * n);
      first = true;
      prefill(prompts, lengths, n, maxNew);
    },
    start(...step) {
      started = step;
    },
    read(tokens, logprob) {
      const [rows, { temperature, topK, topP }, uniform] = started;
      const previous = first ? null : rows.map((r) => drawn[r]!);
      step(rows, previous, temperature, topK, topP, uniform, tokens, logprob);
      first = false;
      for (const [i, r] of rows.entries()) drawn[r] = tokens[i]!;
    },
    close,
  };
}

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
  if (!backend.storage.onDevice) return stepByStep(create(backend, shape, raw));
  if (keeper.decoder?.inUse) {
    const other = create(backend, shape, raw);
    return ahead(other, () => other.close());
  }
  const { precision } = backend;
  const before = keeper.decoder;
  // Nothing is kept of one that cannot be renewed.
  keeper.decoder = null;
  if (before?.backend === backend && before.precision === precision) {
    before.native.renew(raw);
    keeper.decoder = before;
  } else {
    before?.native.close();
    keeper.decoder = { backend, precision, native: create(backend, shape, raw), inUse: false };
  }
  const kept = keeper.decoder;
  kept.inUse = true;
  return ahead(kept.native, () => {
    kept.inUse = false;
    // The model may have been disposed of meanwhile, and its decoder closed.
    if (keeper.decoder === kept) kept.native.closeBatch();
  });
}

/** A decoder of kernels that run on their own. */
function ahead(native: NativeDecoder, close: () => void): Decoder {
  let first = true;
  return {
    ahead: true,
    prefill(...batch) {
      first = true;
      native.prefill(...batch);
    },
    start(rows, { temperature, topK, topP }, uniform) {
      native.start(rows, first, temperature, topK, topP, uniform);
      first = false;
    },
    read: (tokens, logprob) => native.read(tokens, logprob),
    close,
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
