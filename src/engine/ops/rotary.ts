import { activeNative, type NativeBackend } from '../backend.js';
import * as tf from '../tf.js';

/**
 * Rotary position embedding (Su et al. 2021) in Hugging Face's "rotate half" form: x [B,T,H,Dh], positions
 * [T]; dimension pair (i, i + Dh/2) is rotated by pos·theta^(−2i/Dh).
 */
export function rotary(x: tf.Tensor4D, positions: Int32Array, theta: number): tf.Tensor4D {
  const backend = activeNative('rotary');
  return backend ? rotaryNative(backend, x, positions, theta) : rotaryComposed(x, positions, theta);
}

export function rotaryComposed(x: tf.Tensor4D, positions: Int32Array, theta: number): tf.Tensor4D {
  return tf.tidy(() => {
    const [B, T, H, Dh] = x.shape;
    const half = Dh / 2;
    const cos = new Float32Array(T * Dh);
    const sin = new Float32Array(T * Dh);
    for (let t = 0; t < T; t++) {
      for (let d = 0; d < Dh; d++) {
        const angle = positions[t]! * theta ** ((-2 * (d % half)) / Dh);
        cos[t * Dh + d] = Math.cos(angle);
        sin[t * Dh + d] = Math.sin(angle);
      }
    }
    const low = x.slice([0, 0, 0, 0], [B, T, H, half]);
    const high = x.slice([0, 0, 0, half], [B, T, H, half]);
    const turned = tf.concat([high.neg(), low], 3);
    return x.mul(tf.tensor3d(cos, [T, 1, Dh])).add(turned.mul(tf.tensor3d(sin, [T, 1, Dh])));
  });
}

function rotaryNative(
  backend: NativeBackend,
  x: tf.Tensor4D,
  positions: Int32Array,
  theta: number,
): tf.Tensor4D {
  const [B, T, H, Dh] = x.shape;
  const turn = (from: tf.Tensor, inverse: boolean) => {
    const out = backend.take(B * T * H * Dh);
    backend.native.rotary(B, T, H, Dh, theta, positions, backend.activations(from), out, inverse);
    return backend.tensor<tf.Tensor4D>(out, [B, T, H, Dh]);
  };
  const run = tf.customGrad(() => ({ value: turn(x, false), gradFunc: (dy) => turn(dy, true) }));
  return run(x) as tf.Tensor4D;
}
