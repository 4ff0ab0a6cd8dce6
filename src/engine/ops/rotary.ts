import { activeNative, type NativeBackend } from '../backend.js';
import * as tf from '../tf.js';

/** How queries and keys are turned by their positions. */
export interface Rotation {
  /** Radians a position, of each pair of numbers that turn together: the first 2·frequencies.length of a head; the others stay. */
  frequencies: readonly number[];
  /** Neighbours turn together, (0,1), (2,3) …; else number i with number i + frequencies.length (Hugging Face's "rotate half"). */
  interleaved: boolean;
  /** Multiplies what turns: 1, but for some ways of extending the context. */
  scale: number;
}

/**
 * Rotary position embedding (Su et al. 2021): x [M,heads·Dh], positions [M] → the same shape. The heads behind the first
 * `turned` stay as they are (values that are packed together with queries and keys).
 */
export function rotary(
  x: tf.Tensor2D,
  positions: Int32Array,
  heads: number,
  rotation: Rotation,
  turned = heads,
): tf.Tensor2D {
  const backend = activeNative('rotary');
  return backend
    ? rotaryNative(backend, x, positions, heads, rotation, turned)
    : rotaryComposed(x, positions, heads, rotation, turned);
}

export function rotaryComposed(
  x: tf.Tensor2D,
  positions: Int32Array,
  heads: number,
  { frequencies, interleaved, scale }: Rotation,
  turned: number,
): tf.Tensor2D {
  return tf.tidy(() => {
    const M = x.shape[0];
    const Dh = x.shape[1]! / heads;
    const half = frequencies.length;
    const table = (f: (angle: number) => number) =>
      tf.tensor3d(
        Float32Array.from({ length: M * half }, (_, at) => {
          const angle = positions[Math.floor(at / half)]! * frequencies[at % half]!;
          return scale * f(angle);
        }),
        [M, 1, half],
      );
    const [cos, sin] = [table(Math.cos), table(Math.sin)];
    const byHead = x.reshape<tf.Tensor3D>([M, heads, Dh]);
    const part = (head: number, count: number, from: number, size: number) =>
      byHead.slice([0, head, from], [M, count, size]);
    const halves = interleaved
      ? tf.split(part(0, turned, 0, 2 * half).reshape([M, turned * half, 2]), 2, 2)
      : [part(0, turned, 0, half), part(0, turned, half, half)];
    const [u, v] = halves.map((x) => x.reshape([M, turned, half])) as [tf.Tensor, tf.Tensor];
    const first = u.mul(cos).sub(v.mul(sin));
    const second = v.mul(cos).add(u.mul(sin));
    let out = interleaved
      ? tf.stack([first, second], 3).reshape([M, turned, 2 * half])
      : tf.concat([first, second], 2);
    if (2 * half < Dh) out = tf.concat([out, part(0, turned, 2 * half, Dh - 2 * half)], 2);
    if (turned < heads) out = tf.concat([out, part(turned, heads - turned, 0, Dh)], 1);
    return out.reshape<tf.Tensor2D>([M, heads * Dh]);
  });
}

function rotaryNative(
  backend: NativeBackend,
  x: tf.Tensor2D,
  positions: Int32Array,
  heads: number,
  { frequencies, interleaved, scale }: Rotation,
  turned: number,
): tf.Tensor2D {
  const [M, width] = x.shape;
  const angles = Float64Array.from(frequencies);
  const turn = (from: tf.Tensor, inverse: boolean) => {
    const out = backend.take(M * width);
    const [a, Dh] = [backend.activations(from), width / heads];
    backend.native.rotary(M, heads, turned, Dh, positions, angles, interleaved, scale, inverse, a, out);
    return backend.tensor<tf.Tensor2D>(out, [M, width]);
  };
  const run = tf.customGrad(() => ({ value: turn(x, false), gradFunc: (dy) => turn(dy, true) }));
  return run(x) as tf.Tensor2D;
}
