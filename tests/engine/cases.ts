/** The fused operations, each with a reference made of plain differentiable tfjs ops. */
import {
  causalAttention,
  crossEntropyLoss,
  embed,
  gatherRows,
  layerNorm,
  linear,
  linearCrossEntropy,
  linearKL,
  rmsNorm,
  rotary,
} from '../../src/engine/fused.js';
import { linearCrossEntropyComposed } from '../../src/engine/ops/linear-cross-entropy.js';
import { linearKLComposed } from '../../src/engine/ops/linear-kl.js';
import * as tf from '../../src/engine/tf.js';
import type { Case } from './compare.js';

type T1 = tf.Tensor1D;
type T2 = tf.Tensor2D;

/** Attention written as loops over positions: a reference that shares nothing with the composed one. */
function attentionByPosition(qkv: tf.Tensor, heads: number): tf.Tensor {
  const [B, T, D3] = qkv.shape as [number, number, number];
  const D = D3 / 3;
  const Dh = D / heads;
  const rows: tf.Tensor[] = [];
  for (let b = 0; b < B; b++) {
    const perHead: tf.Tensor[] = [];
    for (let h = 0; h < heads; h++) {
      const part = (i: number) => qkv.slice([b, 0, i * D + h * Dh], [1, T, Dh]).reshape<T2>([T, Dh]);
      const [q, k, v] = [part(0), part(1), part(2)];
      const outs = Array.from({ length: T }, (_, t) => {
        const scores = tf.matMul(q.slice([t, 0], [1, Dh]), k.slice([0, 0], [t + 1, Dh]), false, true);
        return tf.matMul(tf.softmax(scores.div(Math.sqrt(Dh))) as T2, v.slice([0, 0], [t + 1, Dh]));
      });
      perHead.push(tf.concat(outs, 0));
    }
    rows.push(tf.concat(perHead, 1).reshape([1, T, D]));
  }
  return tf.concat(rows, 0);
}

const geluPlain = (x: tf.Tensor) =>
  x.mul(0.5).mul(tf.tanh(x.add(x.mul(x).mul(x).mul(0.044715)).mul(0.7978845608)).add(1));
const labels = Int32Array.of(0, 4, -1, 2, 6, 6, 1);
const tokenWeights = Float32Array.of(0.1, 2, 1, 0, 0.3, 0.5, -1);
const ids = Int32Array.of(3, 0, 3, 8, 3);
const positions = Int32Array.of(0, 1, 2, 0, 1);
const hot = (l: Int32Array, V: number) => tf.oneHot(tf.tensor1d(l, 'int32'), V, 1, 0, 'float32');

export const cases: Case[] = [
  {
    name: 'linear',
    shapes: [[5, 6], [6, 7], [7]],
    op: (x, w, b) => linear(x as T2, w as T2, b as T1),
    plain: (x, w, b) => tf.matMul(x!, w!).add(b!),
  },
  {
    name: 'linear without bias, transposed',
    shapes: [
      [5, 6],
      [7, 6],
    ],
    op: (x, w) => linear(x as T2, w as T2, null, { transposeW: true }),
    plain: (x, w) => tf.matMul(x!, tf.transpose(w!)),
  },
  {
    name: 'linear with GELU',
    shapes: [[9, 6], [6, 17], [17]],
    op: (x, w, b) => linear(x as T2, w as T2, b as T1, { activation: 'gelu' }),
    plain: (x, w, b) => geluPlain(tf.matMul(x!, w!).add(b!)),
  },
  {
    name: 'linear with residual',
    shapes: [[5, 6], [6, 7], [7], [5, 7]],
    op: (x, w, b, r) => linear(x as T2, w as T2, b as T1, { residual: r as T2 }),
    plain: (x, w, b, r) => tf.matMul(x!, w!).add(b!).add(r!),
  },
  {
    name: 'linear with GELU and residual',
    shapes: [[5, 6], [6, 7], [7], [5, 7]],
    op: (x, w, b, r) => linear(x as T2, w as T2, b as T1, { activation: 'gelu', residual: r as T2 }),
    plain: (x, w, b, r) => geluPlain(tf.matMul(x!, w!).add(b!)).add(r!),
  },
  {
    name: 'layerNorm',
    shapes: [[5, 16], [16], [16]],
    op: (x, g, b) => layerNorm(x as T2, g as T1, b as T1, 1e-5),
    plain: (x, g, b) => {
      const { mean, variance } = tf.moments(x!, 1, true);
      return x!.sub(mean).div(variance.add(1e-5).sqrt()).mul(g!).add(b!);
    },
  },
  {
    name: 'rmsNorm',
    shapes: [[5, 16], [16]],
    op: (x, g) => rmsNorm(x as T2, g as T1, 1e-5),
    plain: (x, g) => x!.div(x!.square().mean(1, true).add(1e-5).sqrt()).mul(g!),
  },
  {
    name: 'causalAttention',
    shapes: [[2, 5, 24]],
    op: (qkv) => causalAttention(qkv as tf.Tensor3D, 2),
    plain: (qkv) => attentionByPosition(qkv!, 2),
    scale: 2,
  },
  {
    name: 'rotary',
    shapes: [[2, 3, 2, 8]],
    op: (x) => rotary(x as tf.Tensor4D, Int32Array.of(0, 5, 9), 10_000),
    plain: (x) => {
      // Complex multiplication of (low + i high) by exp(i angle), a position and a dimension at a time.
      const steps = [0, 5, 9].map((p, t) => {
        const at = (d: number) => x!.slice([0, t, 0, d], [2, 1, 2, 1]);
        const low: tf.Tensor[] = [];
        const high: tf.Tensor[] = [];
        for (let i = 0; i < 4; i++) {
          const angle = p * 10_000 ** (-i / 4);
          low.push(
            at(i)
              .mul(Math.cos(angle))
              .sub(at(i + 4).mul(Math.sin(angle))),
          );
          high.push(
            at(i + 4)
              .mul(Math.cos(angle))
              .add(at(i).mul(Math.sin(angle))),
          );
        }
        return tf.concat([...low, ...high], 3);
      });
      return tf.concat(steps, 1);
    },
  },
  {
    name: 'embed',
    shapes: [
      [9, 6],
      [3, 6],
    ],
    op: (wte, wpe) => embed(ids, positions, wte as T2, wpe as T2),
    plain: (wte, wpe) => tf.matMul(hot(ids, 9), wte!).add(tf.matMul(hot(positions, 3), wpe!)),
  },
  {
    name: 'embed without positions',
    shapes: [[9, 6]],
    op: (wte) => embed(ids, null, wte as T2, null),
    plain: (wte) => tf.matMul(hot(ids, 9), wte!),
  },
  {
    name: 'gatherRows',
    shapes: [[9, 6]],
    op: (x) => gatherRows(x as T2, ids),
    plain: (x) => tf.matMul(hot(ids, 9), x!),
  },
  ...[100, 3].map((rows) => ({
    name: `linearCrossEntropy, composed in chunks of ${rows}`,
    shapes: [
      [7, 6],
      [9, 6],
    ],
    op: (h: tf.Tensor, w: tf.Tensor) => linearCrossEntropyComposed(h as T2, w as T2, labels, rows),
    plain: (h: tf.Tensor, w: tf.Tensor) =>
      tf
        .logSoftmax(tf.matMul(h, w, false, true))
        .mul(hot(labels, 9))
        .sum(1)
        .neg(),
    scale: 2,
  })),
  {
    name: 'linearCrossEntropy',
    shapes: [
      [7, 6],
      [9, 6],
    ],
    op: (h, w) => linearCrossEntropy(h as T2, w as T2, labels),
    plain: (h, w) =>
      tf
        .logSoftmax(tf.matMul(h!, w!, false, true))
        .mul(hot(labels, 9))
        .sum(1)
        .neg(),
    scale: 2,
  },
  {
    name: 'crossEntropyLoss',
    shapes: [
      [7, 6],
      [9, 6],
    ],
    op: (h, w) => crossEntropyLoss(h as T2, w as T2, labels, tokenWeights),
    plain: (h, w) =>
      tf
        .logSoftmax(tf.matMul(h!, w!, false, true))
        .mul(hot(labels, 9))
        .sum(1)
        .mul(tf.tensor1d(tokenWeights))
        .sum()
        .neg(),
    scale: 2,
  },
  ...([
    { name: 'linearKL', kl: linearKL },
    {
      name: 'linearKL, composed in chunks of 3',
      kl: (a: T2, b: T2, c: T2, d: T2) => linearKLComposed(a, b, c, d, 3),
    },
  ].map(({ name, kl }) => ({
    name,
    shapes: [
      [7, 6],
      [9, 6],
      [7, 4],
      [9, 4],
    ],
    op: (hp: tf.Tensor, wp: tf.Tensor, hq: tf.Tensor, wq: tf.Tensor) =>
      kl(hp as T2, wp as T2, hq as T2, wq as T2),
    plain: (hp: tf.Tensor, wp: tf.Tensor, hq: tf.Tensor, wq: tf.Tensor) => {
      const lp = tf.logSoftmax(tf.matMul(hp, wp, false, true));
      return lp
        .exp()
        .mul(lp.sub(tf.logSoftmax(tf.matMul(hq, wq, false, true))))
        .sum(1);
    },
    scale: 2,
  })) as Case[]),
] as Case[];
