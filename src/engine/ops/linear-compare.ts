import { activeNative, type NativeBackend } from '../backend.js';
import * as tf from '../tf.js';
import { chunks, rowsPerChunk } from './chunks.js';
import { embed } from './embed.js';

/** What two output projections say of the same rows, each [M], in nats. */
export type Compared = Record<'exact' | 'logQ' | 'logP', tf.Tensor1D>;

/** Σ_v softmax(zq)_v (ln softmax(zq)_v − ln softmax(zp)_v) and ln Σ_v exp z of both, each [M]. */
type Sums = Record<'exact' | 'lseQ' | 'lseP', tf.Tensor1D>;

/**
 * KL(softmax(hq wqᵀ) ‖ softmax(hp wpᵀ)) per row, exact over the vocabulary, and both log-probabilities of the rows' labels, from
 * the same logits, which are never in memory all at once: hq [M,Dq], wq [V,Dq], hp [M,Dp], wp [V,Dp], labels [M]. Not
 * differentiable; `linearKL` is.
 */
export function linearCompare(
  hq: tf.Tensor2D,
  wq: tf.Tensor2D,
  hp: tf.Tensor2D,
  wp: tf.Tensor2D,
  labels: Int32Array,
): Compared {
  const backend = activeNative('klForward');
  return tf.tidy(() => {
    const sums = backend ? sumsNative(backend, hq, wq, hp, wp) : sumsComposed(hq, wq, hp, wp);
    return withLabels(sums, hq, wq, hp, wp, labels);
  });
}

/** By chunks of rows. chunkRows is for tests. */
export function linearCompareComposed(
  hq: tf.Tensor2D,
  wq: tf.Tensor2D,
  hp: tf.Tensor2D,
  wp: tf.Tensor2D,
  labels: Int32Array,
  chunkRows?: number,
): Compared {
  return tf.tidy(() => withLabels(sumsComposed(hq, wq, hp, wp, chunkRows), hq, wq, hp, wp, labels));
}

function withLabels(
  { exact, lseQ, lseP }: Sums,
  hq: tf.Tensor2D,
  wq: tf.Tensor2D,
  hp: tf.Tensor2D,
  wp: tf.Tensor2D,
  labels: Int32Array,
): Compared {
  // The embedding's rows are rounded as the product rounds its operands.
  const logit = (h: tf.Tensor2D, w: tf.Tensor2D) => h.mul(embed(labels, null, w, null)).sum<tf.Tensor1D>(1);
  return { exact, logQ: logit(hq, wq).sub(lseQ), logP: logit(hp, wp).sub(lseP) };
}

function sumsComposed(
  hq: tf.Tensor2D,
  wq: tf.Tensor2D,
  hp: tf.Tensor2D,
  wp: tf.Tensor2D,
  chunkRows = rowsPerChunk(wq.shape[0]),
): Sums {
  const logits = (h: tf.Tensor2D, w: tf.Tensor2D, from: number, rows: number) =>
    tf.matMul<tf.Tensor2D>(h.slice([from, 0], [rows, h.shape[1]]), w, false, true);
  const parts = [...chunks(hq.shape[0], chunkRows)].map(([from, rows]) =>
    tf.tidy((): Sums => {
      const [zq, zp] = [logits(hq, wq, from, rows), logits(hp, wp, from, rows)];
      const [lseQ, lseP] = [tf.logSumExp(zq, 1), tf.logSumExp(zp, 1)] as [tf.Tensor1D, tf.Tensor1D];
      const lq = zq.sub(lseQ.expandDims(1));
      const lp = zp.sub(lseP.expandDims(1));
      return { exact: lq.exp().mul(lq.sub(lp)).sum<tf.Tensor1D>(1), lseQ, lseP };
    }),
  );
  const all = (name: keyof Sums) => tf.concat(parts.map((part) => part[name]));
  return { exact: all('exact'), lseQ: all('lseQ'), lseP: all('lseP') };
}

function sumsNative(
  backend: NativeBackend,
  hq: tf.Tensor2D,
  wq: tf.Tensor2D,
  hp: tf.Tensor2D,
  wp: tf.Tensor2D,
): Sums {
  const [M, Dq] = hq.shape;
  const [V, Dp] = wp.shape;
  const [exact, lseQ, lseP] = [backend.floats(M), backend.floats(M), backend.floats(M)];
  const [xq, xp] = [backend.activations(hq), backend.activations(hp)];
  backend.native.klForward(M, V, Dq, Dp, xq, backend.raw(wq), xp, backend.raw(wp), exact, lseQ, lseP);
  return {
    exact: backend.tensor(exact, [M]),
    lseQ: backend.tensor(lseQ, [M]),
    lseP: backend.tensor(lseP, [M]),
  };
}
