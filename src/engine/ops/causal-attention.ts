import { activeNative, type NativeBackend } from '../backend.js';
import type { Activations } from '../native.js';
import * as tf from '../tf.js';

/** B sequences of T tokens, `heads` heads of queries; keys and values have kvHeads, each shared by heads / kvHeads in a row. */
export interface AttentionShape {
  B: number;
  T: number;
  heads: number;
  kvHeads: number;
  headDim: number;
}

/**
 * Queries [B·T,heads·headDim], keys and values [B·T,kvHeads·headDim]; or one tensor with each token's queries, keys and values
 * one after another (GPT-2's c_attn output).
 */
export type Projected = readonly [tf.Tensor2D] | readonly [tf.Tensor2D, tf.Tensor2D, tf.Tensor2D];

/** Causal multi-head self-attention, softmax(q kᵀ / √headDim) v → [B·T,heads·headDim]. */
export function causalAttention(projected: Projected, shape: AttentionShape): tf.Tensor2D {
  const backend = activeNative('attentionForward');
  return backend
    ? causalAttentionNative(backend, projected, shape)
    : causalAttentionComposed(projected, shape);
}

/** 0 on and below the diagonal, −1e9 above: [T,T]. */
function causalMask(T: number): tf.Tensor2D {
  const mask = new Float32Array(T * T);
  for (let t = 0; t < T; t++) mask.fill(-1e9, t * T + t + 1, (t + 1) * T);
  return tf.tensor2d(mask, [T, T]);
}

export function causalAttentionComposed(projected: Projected, shape: AttentionShape): tf.Tensor2D {
  const { B, T, heads: H, kvHeads: KV, headDim: Dh } = shape;
  return tf.tidy(() => {
    // Rank 4 at most, and split along contiguous memory: tfjs' kernels have fast paths for no more than that.
    const byHead = (x: tf.Tensor2D, heads: number) =>
      x.reshape<tf.Tensor4D>([B, T, heads, Dh]).transpose([0, 2, 1, 3]);
    const apart =
      projected.length === 1
        ? tf.split(byHead(projected[0], H + 2 * KV).reshape([B, H + 2 * KV, T * Dh]), [H, KV, KV], 1)
        : projected.map((x, i) => byHead(x, i === 0 ? H : KV));
    // The queries that share keys are one matrix.
    const [q, k, v] = apart.map((x) => x.reshape<tf.Tensor3D>([B * KV, x.size / (B * KV * Dh), Dh])) as [
      tf.Tensor3D,
      tf.Tensor3D,
      tf.Tensor3D,
    ];
    const scores = tf.matMul(q, k, false, true).mul(1 / Math.sqrt(Dh));
    const p = tf.softmax(scores.reshape<tf.Tensor3D>([B * H, T, T]).add<tf.Tensor3D>(causalMask(T)));
    const mixed = tf.matMul(p.reshape<tf.Tensor3D>([B * KV, (H / KV) * T, T]), v).reshape([B, H, T, Dh]);
    return mixed.transpose([0, 2, 1, 3]).reshape<tf.Tensor2D>([B * T, H * Dh]);
  });
}

/** Queries, keys and values as native code takes them: an array, where the first token's begin, numbers between tokens. */
type Strided<A> = [q: A, at: number, ld: number, k: A, at: number, ld: number, v: A, at: number, ld: number];

function strided<A>(arrays: readonly A[], { heads, kvHeads, headDim }: AttentionShape): Strided<A> {
  const [ofQ, ofK] = [heads * headDim, kvHeads * headDim];
  const [x, k, v] = arrays as [A, A?, A?];
  if (k === undefined || v === undefined) {
    const ld = ofQ + 2 * ofK;
    return [x, 0, ld, x, ofQ, ld, x, ofQ + ofK, ld];
  }
  return [x, 0, ofQ, k, 0, ofK, v, 0, ofK];
}

function causalAttentionNative(
  backend: NativeBackend,
  projected: Projected,
  shape: AttentionShape,
): tf.Tensor2D {
  const { native } = backend;
  const { B, T, heads: H, kvHeads: KV, headDim: Dh } = shape;
  const [M, D] = [B * T, H * Dh];
  const run = tf.customGrad((...args) => {
    const save = args.pop() as unknown as tf.GradSaveFunc;
    const y = backend.take(M * D);
    const lse = backend.floats(M * H);
    const inputs = projected.map((x) => backend.activations(x));
    native.attentionForward(B, T, H, KV, Dh, ...strided(inputs, shape), y, lse);
    const value = backend.tensor<tf.Tensor2D>(y, [M, D]);
    save([value, backend.tensor(lse, [B, H, T]), ...projected]);
    const gradFunc = (dy: tf.Tensor, saved: tf.Tensor[]) => {
      const [ys, lses, ...xs] = saved as [tf.Tensor, tf.Tensor, ...tf.Tensor[]];
      const grads = xs.map((x) => backend.take(x.size));
      const [y, up, ...inputs] = [ys, dy, ...xs].map((t) => backend.activations(t)) as [
        Activations,
        Activations,
        ...Activations[],
      ];
      const [dq, , , dk, , , dv] = strided(grads, shape);
      const lse = backend.raw(lses);
      native.attentionBackward(B, T, H, KV, Dh, ...strided(inputs, shape), y, lse, up, dq, dk, dv);
      return grads.map((grad, i) => backend.tensor(grad, xs[i]!.shape));
    };
    return { value, gradFunc };
  });
  return run(...projected) as tf.Tensor2D;
}
