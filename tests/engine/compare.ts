/** An operation against a reference: random tensors, values and gradients, how far apart. Leaves out which engines there are. */
import type * as tf from '../../src/engine/tf.js';

export { difference, evaluate, noise } from '../../src/doctor/gpu/compare.js';

export interface Case {
  name: string;
  shapes: number[][];
  /** The op under test as it is dispatched; a reference made of plain differentiable tfjs ops. */
  op: (...x: tf.Tensor[]) => tf.Tensor;
  plain: (...x: tf.Tensor[]) => tf.Tensor;
  scale?: number;
}
