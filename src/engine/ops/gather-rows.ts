import type * as tf from '../tf.js';
import { embed } from './embed.js';

/** Rows of x [M,D] in the given order → [rows.length, D]; differentiable: an embedding whose table is x. */
export function gatherRows(x: tf.Tensor2D, rows: Int32Array): tf.Tensor2D {
  return embed(rows, null, x, null);
}
