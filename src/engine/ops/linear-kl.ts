import { activeNative, type NativeBackend } from '../backend.js';
import type { FloatArray } from '../native.js';
import * as tf from '../tf.js';
import { chunks, rowsPerChunk } from './chunks.js';

/**
 * KL(softmax(hp wpᵀ) ‖ softmax(hq wqᵀ)) per row, exact over the vocabulary, in nats, without logits in
 * memory: hp [M,Dp], wp [V,Dp], hq [M,Dq], wq [V,Dq] → [M]. Differentiable in all four.
 */
export function linearKL(hp: tf.Tensor2D, wp: tf.Tensor2D, hq: tf.Tensor2D, wq: tf.Tensor2D): tf.Tensor1D {
  const backend = activeNative('klForward');
  return backend ? linearKLNative(backend, hp, wp, hq, wq) : linearKLComposed(hp, wp, hq, wq);
}

/**
 * By chunks of rows, recomputed for the gradient. With r = ln p − ln q: ∂KL/∂logits_p = p (r − KL),
 * ∂KL/∂logits_q = q − p. chunkRows is for tests.
 */
export function linearKLComposed(
  hp: tf.Tensor2D,
  wp: tf.Tensor2D,
  hq: tf.Tensor2D,
  wq: tf.Tensor2D,
  chunkRows = rowsPerChunk(wp.shape[0]),
): tf.Tensor1D {
  const parts = [...chunks(hp.shape[0], chunkRows)];
  const rowsOf = (x: tf.Tensor2D, from: number, rows: number) => x.slice([from, 0], [rows, x.shape[1]]);
  const logProbs = (h: tf.Tensor2D, w: tf.Tensor2D) => tf.logSoftmax(tf.matMul(h, w, false, true));
  const run = tf.customGrad((...args) => {
    const save = args[4] as unknown as tf.GradSaveFunc;
    const values = parts.map(([from, rows]) =>
      tf.tidy(() => {
        const lp = logProbs(rowsOf(hp, from, rows), wp);
        const lq = logProbs(rowsOf(hq, from, rows), wq);
        return lp.exp().mul(lp.sub(lq)).sum<tf.Tensor1D>(1);
      }),
    );
    save([hp, wp, hq, wq]);
    const gradFunc = (dy: tf.Tensor, saved: tf.Tensor[]) => {
      const [hps, wps, hqs, wqs] = saved as [tf.Tensor2D, tf.Tensor2D, tf.Tensor2D, tf.Tensor2D];
      const dhp: tf.Tensor2D[] = [];
      const dhq: tf.Tensor2D[] = [];
      let dw: [tf.Tensor2D, tf.Tensor2D] | null = null;
      for (const [from, rows] of parts) {
        const made = tf.tidy(() => {
          const [hpc, hqc] = [rowsOf(hps, from, rows), rowsOf(hqs, from, rows)];
          const [lp, lq] = [logProbs(hpc, wps), logProbs(hqc, wqs)];
          const scale = (dy as tf.Tensor1D).slice(from, rows).reshape([rows, 1]);
          const [p, q, r] = [lp.exp(), lq.exp(), lp.sub(lq)];
          const kl = p.mul(r).sum(1, true);
          const dp = p.mul(r.sub(kl)).mul<tf.Tensor2D>(scale);
          const dq = q.sub(p).mul<tf.Tensor2D>(scale);
          const dwp = tf.matMul(dp, hpc, true, false);
          const dwq = tf.matMul(dq, hqc, true, false);
          return [
            tf.matMul(dp, wps),
            tf.matMul(dq, wqs),
            dw ? dw[0].add(dwp) : dwp,
            dw ? dw[1].add(dwq) : dwq,
          ] as [tf.Tensor2D, tf.Tensor2D, tf.Tensor2D, tf.Tensor2D];
        });
        dhp.push(made[0]);
        dhq.push(made[1]);
        dw = [made[2], made[3]];
      }
      const [dwp, dwq] = dw as unknown as [tf.Tensor2D, tf.Tensor2D];
      return [tf.concat(dhp, 0), dwp, tf.concat(dhq, 0), dwq];
    };
    return { value: tf.concat(values), gradFunc };
  });
  return run(hp, wp, hq, wq) as tf.Tensor1D;
}

function linearKLNative(
  backend: NativeBackend,
  hp: tf.Tensor2D,
  wp: tf.Tensor2D,
  hq: tf.Tensor2D,
  wq: tf.Tensor2D,
): tf.Tensor1D {
  const { native } = backend;
  const [M, Dp] = hp.shape;
  const [V, Dq] = wq.shape;
  const run = tf.customGrad((...args) => {
    const save = args[4] as unknown as tf.GradSaveFunc;
    const [kl, lseP, lseQ] = [backend.floats(M), backend.floats(M), backend.floats(M)];
    const [xp, xq] = [backend.activations(hp), backend.activations(hq)];
    native.klForward(M, V, Dp, Dq, xp, backend.raw(wp), xq, backend.raw(wq), kl, lseP, lseQ);
    const value = backend.tensor<tf.Tensor1D>(kl, [M]);
    save([hp, wp, hq, wq, value, backend.tensor(lseP, [M]), backend.tensor(lseQ, [M])]);
    const gradFunc = (dy: tf.Tensor, saved: tf.Tensor[]) => {
      const [hps, wps, hqs, wqs, ...rest] = saved as [
        tf.Tensor,
        tf.Tensor,
        tf.Tensor,
        tf.Tensor,
        ...tf.Tensor[],
      ];
      const [kls, ps, qs, dkl] = [...rest, dy].map((t) => backend.raw(t)) as [
        FloatArray,
        FloatArray,
        FloatArray,
        FloatArray,
      ];
      const [xp, xq] = [backend.activations(hps), backend.activations(hqs)];
      const [dhp, dhq] = [backend.take(M * Dp), backend.take(M * Dq)];
      const [dwp, dwq] = [backend.floats(V * Dp), backend.floats(V * Dq)];
      const [p, q] = [backend.raw(wps), backend.raw(wqs)];
      native.klBackward(M, V, Dp, Dq, xp, p, xq, q, kls, ps, qs, dkl, dhp, dwp, dhq, dwq);
      return [
        backend.tensor(dhp, [M, Dp]),
        backend.tensor(dwp, [V, Dp]),
        backend.tensor(dhq, [M, Dq]),
        backend.tensor(dwq, [V, Dq]),
      ];
    };
    return { value, gradFunc };
  });
  return run(hp, wp, hq, wq) as tf.Tensor1D;
}
