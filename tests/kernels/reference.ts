/** What the kernels compute, written plainly in float64. Dimension letters as in src/engine/native.ts. */

type Numbers = ArrayLike<number>;

/** op(a) op(b) as [M,N]. */
export function product(
  M: number,
  N: number,
  K: number,
  a: Numbers,
  transA: boolean,
  b: Numbers,
  transB: boolean,
): Float64Array {
  const c = new Float64Array(M * N);
  for (let i = 0; i < M; i++)
    for (let k = 0; k < K; k++) {
      const x = a[transA ? k * M + i : i * K + k]!;
      for (let j = 0; j < N; j++) c[i * N + j]! += x * b[transB ? j * K + k : k * N + j]!;
    }
  return c;
}

/** GELU, tanh form. */
export const gelu = (x: number): number =>
  0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)));

export function linear(
  M: number,
  N: number,
  K: number,
  x: Numbers,
  w: Numbers,
  transW: boolean,
  bias: Numbers | null,
  act: 0 | 1,
  residual: Numbers | null,
): { y: Float64Array; pre: Float64Array } {
  const pre = product(M, N, K, x, false, w, transW);
  if (bias) for (let i = 0; i < M * N; i++) pre[i]! += bias[i % N]!;
  const y = pre.map((p, i) => (act === 1 ? gelu(p) : p) + (residual ? residual[i]! : 0));
  return { y, pre };
}

export function norm(
  kind: 0 | 1,
  M: number,
  D: number,
  eps: number,
  x: Numbers,
  gamma: Numbers,
  beta: Numbers | null,
): { y: Float64Array; mean: Float64Array; rstd: Float64Array } {
  const y = new Float64Array(M * D);
  const mean = new Float64Array(M);
  const rstd = new Float64Array(M);
  for (let i = 0; i < M; i++) {
    for (let j = 0; kind === 0 && j < D; j++) mean[i]! += x[i * D + j]! / D;
    let variance = 0;
    for (let j = 0; j < D; j++) variance += (x[i * D + j]! - mean[i]!) ** 2 / D;
    rstd[i] = 1 / Math.sqrt(variance + eps);
    for (let j = 0; j < D; j++)
      y[i * D + j] = (x[i * D + j]! - mean[i]!) * rstd[i]! * gamma[j]! + (beta ? beta[j]! : 0);
  }
  return { y, mean, rstd };
}

export function attention(
  B: number,
  T: number,
  H: number,
  Dh: number,
  qkv: Numbers,
  KV = H,
): { y: Float64Array; lse: Float64Array } {
  const D = H * Dh;
  const y = new Float64Array(B * T * D);
  const lse = new Float64Array(B * H * T);
  const at = (b: number, t: number, head: number) => ((b * T + t) * (H + 2 * KV) + head) * Dh;
  for (let b = 0; b < B; b++)
    for (let h = 0; h < H; h++)
      for (let t = 0; t < T; t++) {
        const key = H + Math.floor(h / (H / KV));
        const scores = new Float64Array(t + 1);
        for (let s = 0; s <= t; s++)
          for (let d = 0; d < Dh; d++)
            scores[s]! += (qkv[at(b, t, h) + d]! * qkv[at(b, s, key) + d]!) / Math.sqrt(Dh);
        const total = logSumExp(scores);
        lse[(b * H + h) * T + t] = total;
        for (let s = 0; s <= t; s++)
          for (let d = 0; d < Dh; d++)
            y[(b * T + t) * D + h * Dh + d]! += Math.exp(scores[s]! - total) * qkv[at(b, s, key + KV) + d]!;
      }
  return { y, lse };
}

export function logSumExp(x: Float64Array): number {
  const top = x.reduce((m, v) => Math.max(m, v), Number.NEGATIVE_INFINITY);
  return top + Math.log(x.reduce((sum, v) => sum + Math.exp(v - top), 0));
}

export function crossEntropy(
  M: number,
  V: number,
  D: number,
  h: Numbers,
  w: Numbers,
  labels: Int32Array,
): { loss: Float64Array; lse: Float64Array } {
  const logits = product(M, V, D, h, false, w, true);
  const loss = new Float64Array(M);
  const lse = new Float64Array(M);
  for (let m = 0; m < M; m++) {
    if (labels[m]! < 0) continue;
    lse[m] = logSumExp(logits.subarray(m * V, (m + 1) * V));
    loss[m] = lse[m]! - logits[m * V + labels[m]!]!;
  }
  return { loss, lse };
}

/** Rows of KL(softmax(hp Wpᵀ) ‖ softmax(hq Wqᵀ)). */
export function kl(
  M: number,
  V: number,
  Dp: number,
  Dq: number,
  hp: Numbers,
  wp: Numbers,
  hq: Numbers,
  wq: Numbers,
): Float64Array {
  const p = product(M, V, Dp, hp, false, wp, true);
  const q = product(M, V, Dq, hq, false, wq, true);
  return new Float64Array(M).map((_, m) => {
    const [lp, lq] = [p.subarray(m * V, (m + 1) * V), q.subarray(m * V, (m + 1) * V)];
    const [sp, sq] = [logSumExp(lp), logSumExp(lq)];
    return lp.reduce((sum, a, v) => sum + Math.exp(a - sp) * (a - sp - (lq[v]! - sq)), 0);
  });
}
