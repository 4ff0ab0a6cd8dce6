/**
 * The one door to tfjs: tfjs-core with its gradients, and the chained operations (x.mul(y)) that this project
 * uses.
 *
 * tfjs-core registers neither in Node: its lists are ES modules that Node does not load. The gradients are
 * also in tfjs-layers' bundle and reach tfjs through its global registry, so there is still one engine and
 * one set of tensors.
 */
import * as tf from '@tensorflow/tfjs-core';
import type {} from '@tensorflow/tfjs-core/dist/public/chained_ops/abs.js';
import type {} from '@tensorflow/tfjs-core/dist/public/chained_ops/add.js';
import type {} from '@tensorflow/tfjs-core/dist/public/chained_ops/div.js';
import type {} from '@tensorflow/tfjs-core/dist/public/chained_ops/exp.js';
import type {} from '@tensorflow/tfjs-core/dist/public/chained_ops/log.js';
import type {} from '@tensorflow/tfjs-core/dist/public/chained_ops/max.js';
import type {} from '@tensorflow/tfjs-core/dist/public/chained_ops/mean.js';
import type {} from '@tensorflow/tfjs-core/dist/public/chained_ops/mul.js';
import type {} from '@tensorflow/tfjs-core/dist/public/chained_ops/neg.js';
import type {} from '@tensorflow/tfjs-core/dist/public/chained_ops/reshape.js';
import type {} from '@tensorflow/tfjs-core/dist/public/chained_ops/rsqrt.js';
import type {} from '@tensorflow/tfjs-core/dist/public/chained_ops/slice.js';
import type {} from '@tensorflow/tfjs-core/dist/public/chained_ops/softmax.js';
import type {} from '@tensorflow/tfjs-core/dist/public/chained_ops/sqrt.js';
import type {} from '@tensorflow/tfjs-core/dist/public/chained_ops/square.js';
import type {} from '@tensorflow/tfjs-core/dist/public/chained_ops/sub.js';
import type {} from '@tensorflow/tfjs-core/dist/public/chained_ops/sum.js';
import type {} from '@tensorflow/tfjs-core/dist/public/chained_ops/tanh.js';
import type {} from '@tensorflow/tfjs-core/dist/public/chained_ops/transpose.js';
import '@tensorflow/tfjs-layers';

const chained = {
  abs: tf.abs,
  add: tf.add,
  div: tf.div,
  exp: tf.exp,
  log: tf.log,
  max: tf.max,
  mean: tf.mean,
  mul: tf.mul,
  neg: tf.neg,
  reshape: tf.reshape,
  rsqrt: tf.rsqrt,
  slice: tf.slice,
  softmax: tf.softmax,
  sqrt: tf.sqrt,
  square: tf.square,
  sub: tf.sub,
  sum: tf.sum,
  tanh: tf.tanh,
  transpose: tf.transpose,
};
for (const [name, f] of Object.entries(chained)) {
  const op = f as (x: tf.Tensor, ...args: unknown[]) => tf.Tensor;
  Object.defineProperty(tf.Tensor.prototype, name, {
    configurable: true,
    writable: true,
    value(this: tf.Tensor, ...args: unknown[]) {
      return op(this, ...args);
    },
  });
}

export * from '@tensorflow/tfjs-core';
