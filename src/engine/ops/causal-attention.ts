import { activeNative, type NativeBackend } from '../backend.js';
import type { Activations } from '../native.js';
import * as tf from '../tf.js';

/**
 * Causal multi-head self-attention, softmax(q kᵀ / √Dh) v: qkv [B,T,3D] (queries, keys, values of all heads,
 * GPT-2's c_attn output) → [B,T,D].
 */
export function causalAttention(qkv: tf.Tensor3D, heads: number): tf.Tensor3D {
  const backend = activeNative('attentionForward');
  return backend ? causalAttentionNative(backend, qkv, heads) : causalAttentionComposed(qkv, heads);
}

/** 0 on and below the diagonal, −1e9 above: [T,T]. */
function causalMask(T: number): tf.Tensor2D {
  const mask = new Float32Array(T * T);
  for (let t = 0; t < T; t++) mask.fill(-1e9, t * T + t + 1, (t + 1) * T);
  return tf.tensor2d(mask, [T, T]);
}

export function causalAttentionComposed(qkv: tf.Tensor3D, heads: number): tf.Tensor3D {
  return tf.tidy(() => {
    const [B, T, D3] = qkv.shape;
    const D = D3 / 3;
    const Dh = D / heads;
    // Rank 4 at most, and split along contiguous memory: tfjs' kernels have fast paths for no more than that.
    const byHead = qkv.reshape<tf.Tensor4D>([B, T, 3 * heads, Dh]).transpose([0, 2, 1, 3]);
    const [q, k, v] = tf
      .split(byHead.reshape([B, 3, T * D]), 3, 1)
      .map((x) => x.reshape<tf.Tensor3D>([B * heads, T, Dh])) as [tf.Tensor3D, tf.Tensor3D, tf.Tensor3D];
    const scores = tf.matMul(q, k, false, true).mul(1 / Math.sqrt(Dh));
    const p = tf.softmax(scores.add<tf.Tensor3D>(causalMask(T)));
    return tf.matMul(p, v).reshape([B, heads, T, Dh]).transpose([0, 2, 1, 3]).reshape<tf.Tensor3D>([B, T, D]);
  });
}

function causalAttentionNative(backend: NativeBackend, qkv: tf.Tensor3D, H: number): tf.Tensor3D {
  const { native } = backend;
  const [B, T, D3] = qkv.shape;
  const D = D3 / 3;
  const Dh = D / H;
  const run = tf.customGrad((...args) => {
    const save = args[1] as unknown as tf.GradSaveFunc;
    const y = backend.take(B * T * D);
    const lse = backend.floats(B * H * T);
    native.attentionForward(B, T, H, Dh, backend.activations(qkv), y, lse);
    const value = backend.tensor<tf.Tensor3D>(y, [B, T, D]);
    save([qkv, value, backend.tensor(lse, [B, H, T])]);
    const gradFunc = (dy: tf.Tensor, saved: tf.Tensor[]) => {
      const [qkvs, ys, lses] = saved as [tf.Tensor, tf.Tensor, tf.Tensor];
      const dqkv = backend.take(B * T * D3);
      const [x, y, up] = [qkvs, ys, dy].map((t) => backend.activations(t)) as [
        Activations,
        Activations,
        Activations,
      ];
      native.attentionBackward(B, T, H, Dh, x, y, backend.raw(lses), up, dqkv);
      return backend.tensor(dqkv, [B, T, D3]);
    };
    return { value, gradFunc };
  });
  return run(qkv) as tf.Tensor3D;
}
