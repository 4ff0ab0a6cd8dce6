/**
 * Gives tensors their chained operations, x.mul(y) for mul(x, y): all that tfjs declares. tfjs-core's own files
 * for it are ES modules that Node does not load, and tfjs-layers relies on them (an LSTM's initializer
 * does).
 */
import * as tf from '@tensorflow/tfjs-core';
import type {} from '@tensorflow/tfjs-core/dist/public/chained_ops/register_all_chained_ops.js';

/** tf.name(x, ...args) as x.name(...args). */
const PLAIN = `
  abs acos acosh add all any argMax argMin asin asinh atan atan2 atanh avgPool batchNorm batchToSpaceND
  broadcastTo cast ceil clipByValue conv1d conv2d conv2dTranspose cos cosh cumprod cumsum depthToSpace
  depthwiseConv2d dilation2d div divNoNan dot elu equal erf euclideanNorm exp expandDims expm1 fft floor
  floorDiv gather greater greaterEqual ifft irfft isFinite isInf isNaN leakyRelu less lessEqual
  localResponseNormalization log log1p logSigmoid logSoftmax logSumExp logicalAnd logicalNot logicalOr
  logicalXor matMul max maxPool maximum mean min minimum mirrorPad mod mul neg norm notEqual oneHot onesLike
  pad pool pow prelu prod reciprocal relu relu6 reshape reverse rfft round rsqrt selu separableConv2d sigmoid
  sign sin sinh slice softmax softplus spaceToBatchND split sqrt square squaredDifference squeeze step
  stridedSlice sub sum tan tanh tile topk transpose unique unsortedSegmentSum unstack zerosLike
`;

type Method = (x: tf.Tensor, ...args: never[]) => unknown;
type Others = tf.Tensor | tf.Tensor[];

const reshape = (x: tf.Tensor, ...shape: number[]) => tf.reshape(x, shape);
const cast = (dtype: tf.DataType) => (x: tf.Tensor) => tf.cast(x, dtype);
const withOthers = (x: tf.Tensor, others: Others) => [x, ...(Array.isArray(others) ? others : [others])];

const OTHERS: Record<string, Method> = {
  as1D: (x) => reshape(x, x.size),
  as2D: reshape,
  as3D: reshape,
  as4D: reshape,
  as5D: reshape,
  asScalar: (x) => {
    tf.util.assert(x.size === 1, () => 'The array must have only 1 element.');
    return reshape(x);
  },
  asType: (x, dtype: tf.DataType) => tf.cast(x, dtype),
  concat: (x, others: Others, axis?: number) => tf.concat(withOthers(x, others), axis),
  flatten: (x) => reshape(x, x.size),
  reshapeAs: (x, y: tf.Tensor) => tf.reshape(x, y.shape),
  resizeBilinear: tf.image.resizeBilinear as Method,
  resizeNearestNeighbor: tf.image.resizeNearestNeighbor as Method,
  stack: (x, others: Others, axis?: number) => tf.stack(withOthers(x, others), axis),
  toBool: cast('bool'),
  toFloat: cast('float32'),
  toInt: cast('int32'),
  where: (x, condition: tf.Tensor, y: tf.Tensor) => tf.where(condition, x, y),
};

/** Adds the operations to tf.Tensor's prototype; may be called again. */
export function registerChainedOps(): void {
  const ops = tf as unknown as Record<string, Method>;
  const plain = PLAIN.trim()
    .split(/\s+/)
    .map((name): [string, Method] => [name, ops[name]!]);
  for (const [name, op] of [...plain, ...Object.entries(OTHERS)]) {
    Object.defineProperty(tf.Tensor.prototype, name, {
      configurable: true,
      writable: true,
      value(this: tf.Tensor, ...args: never[]) {
        this.throwIfDisposed();
        return op(this, ...args);
      },
    });
  }
}
