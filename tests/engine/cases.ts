/** The fused operations, each with a reference made of plain differentiable tfjs ops. */
import {
  type AttentionShape,
  causalAttention,
  crossEntropyLoss,
  embed,
  gatherRows,
  glu,
  layerNorm,
  layerNormBranch,
  linear,
  linearCrossEntropy,
  linearKL,
  type Rotation,
  rmsNorm,
  rmsNormBranch,
  rotary,
} from '../../src/engine/fused.js';
import { linearCrossEntropyComposed } from '../../src/engine/ops/linear-cross-entropy.js';
import { linearKLComposed } from '../../src/engine/ops/linear-kl.js';
import * as tf from '../../src/engine/tf.js';
import type { Case } from './compare.js';

type T1 = tf.Tensor1D;
type T2 = tf.Tensor2D;

/** Attention written as loops over positions: a reference that shares nothing with the composed one. qkv [B·T,(H+2KV)·Dh]. */
function attentionByPosition(packed: tf.Tensor, shape: AttentionShape): tf.Tensor {
  const { B, T, heads, kvHeads, headDim: Dh } = shape;
  const qkv = packed.reshape([B, T, packed.shape[1]!]);
  const rows: tf.Tensor[] = [];
  for (let b = 0; b < B; b++) {
    const perHead: tf.Tensor[] = [];
    for (let h = 0; h < heads; h++) {
      const part = (head: number) => qkv.slice([b, 0, head * Dh], [1, T, Dh]).reshape<T2>([T, Dh]);
      const key = heads + Math.floor((h * kvHeads) / heads);
      const [q, k, v] = [part(h), part(key), part(key + kvHeads)];
      const outs = Array.from({ length: T }, (_, t) => {
        const scores = tf.matMul(q.slice([t, 0], [1, Dh]), k.slice([0, 0], [t + 1, Dh]), false, true);
        return tf.matMul(tf.softmax(scores.div(Math.sqrt(Dh))) as T2, v.slice([0, 0], [t + 1, Dh]));
      });
      perHead.push(tf.concat(outs, 0));
    }
    rows.push(tf.concat(perHead, 1));
  }
  return tf.concat(rows, 0);
}

const geluPlain = (x: tf.Tensor) =>
  x.mul(0.5).mul(tf.tanh(x.add(x.mul(x).mul(x).mul(0.044715)).mul(0.7978845608)).add(1));

function layerNormPlain(x: tf.Tensor, gamma: tf.Tensor, beta: tf.Tensor): tf.Tensor {
  const { mean, variance } = tf.moments(x, 1, true);
  return x.sub(mean).div(variance.add(1e-5).sqrt()).mul(gamma).add(beta);
}

const places = Int32Array.of(0, 5, 9, 0, 5, 9);
const halves: Rotation = { frequencies: [1, 0.1, 0.01, 0.001], interleaved: false, scale: 1 };
const neighbours: Rotation = { frequencies: [1, 0.1], interleaved: true, scale: 1.5 };

/** Complex multiplication by scale·exp(i·angle), a head and a pair at a time. */
function turnedByPair(
  x: tf.Tensor,
  heads: number,
  { frequencies, interleaved, scale }: Rotation,
  turned: number,
): tf.Tensor {
  const [M, width] = x.shape as [number, number];
  const Dh = width / heads;
  const columns = Array.from({ length: width }, (_, c) => x.slice([0, c], [M, 1]));
  for (let h = 0; h < turned; h++)
    frequencies.forEach((frequency, i) => {
      const first = h * Dh + (interleaved ? 2 * i : i);
      const second = first + (interleaved ? 1 : frequencies.length);
      const of = (f: (angle: number) => number) =>
        tf.tensor2d(
          [...places].map((p) => scale * f(p * frequency)),
          [M, 1],
        );
      const [u, v] = [columns[first]!, columns[second]!];
      columns[first] = u.mul(of(Math.cos)).sub(v.mul(of(Math.sin)));
      columns[second] = v.mul(of(Math.cos)).add(u.mul(of(Math.sin)));
    });
  return tf.concat(columns, 1);
}

const whole: AttentionShape = { B: 2, T: 5, heads: 2, kvHeads: 2, headDim: 4 };
const grouped: AttentionShape = { B: 2, T: 5, heads: 4, kvHeads: 2, headDim: 4 };
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
    plain: (x, g, b) => layerNormPlain(x!, g!, b!),
  },
  {
    name: 'rmsNorm',
    shapes: [[5, 16], [16]],
    op: (x, g) => rmsNorm(x as T2, g as T1, 1e-5),
    plain: (x, g) => x!.div(x!.square().mean(1, true).add(1e-5).sqrt()).mul(g!),
  },
  {
    name: 'layerNormBranch',
    shapes: [[5, 16], [16], [16]],
    op: (x, g, b) => {
      const [normed, itself] = layerNormBranch(x as T2, g as T1, b as T1, 1e-5);
      return tf.concat([normed.square(), itself.mul(3)], 1);
    },
    plain: (x, g, b) => tf.concat([layerNormPlain(x!, g!, b!).square(), x!.mul(3)], 1),
  },
  {
    name: 'layerNormBranch, of which one is used',
    shapes: [[5, 16], [16], [16]],
    op: (x, g, b) => layerNormBranch(x as T2, g as T1, b as T1, 1e-5)[0],
    plain: (x, g, b) => layerNormPlain(x!, g!, b!),
  },
  {
    name: 'rmsNormBranch as a residual connection',
    shapes: [[5, 16], [16]],
    op: (x, g) => {
      const [normed, itself] = rmsNormBranch(x as T2, g as T1, 1e-5);
      return normed.square().add(itself);
    },
    plain: (x, g) => x!.div(x!.square().mean(1, true).add(1e-5).sqrt()).mul(g!).square().add(x!),
  },
  {
    name: 'causalAttention',
    shapes: [[10, 24]],
    op: (qkv) => causalAttention([qkv as T2], whole),
    plain: (qkv) => attentionByPosition(qkv!, whole),
    scale: 2,
  },
  {
    name: 'causalAttention of heads that share keys, packed',
    shapes: [[10, 32]],
    op: (qkv) => causalAttention([qkv as T2], grouped),
    plain: (qkv) => attentionByPosition(qkv!, grouped),
    scale: 2,
  },
  {
    name: 'causalAttention of heads that share keys',
    shapes: [
      [10, 16],
      [10, 8],
      [10, 8],
    ],
    op: (q, k, v) => causalAttention([q as T2, k as T2, v as T2], grouped),
    plain: (q, k, v) => attentionByPosition(tf.concat([q!, k!, v!], 1), grouped),
    scale: 2,
  },
  {
    name: 'rotary',
    shapes: [[6, 16]],
    op: (x) => rotary(x as T2, places, 2, halves),
    plain: (x) => turnedByPair(x!, 2, halves, 2),
  },
  {
    name: 'rotary of neighbours, of a part of some heads',
    shapes: [[6, 24]],
    op: (x) => rotary(x as T2, places, 3, neighbours, 2),
    plain: (x) => turnedByPair(x!, 3, neighbours, 2),
  },
  ...(['silu', 'gelu'] as const).map((activation) => ({
    name: `glu with ${activation}`,
    shapes: [
      [5, 7],
      [5, 7],
    ],
    op: (gate: tf.Tensor, up: tf.Tensor) => glu(gate as T2, up as T2, activation),
    plain: (gate: tf.Tensor, up: tf.Tensor) =>
      (activation === 'gelu' ? geluPlain(gate) : gate.div(tf.exp(gate.neg()).add(1))).mul(up),
    scale: 3,
  })),
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
