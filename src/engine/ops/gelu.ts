import * as tf from '../tf.js';

const A = 2 * Math.sqrt(2 / Math.PI);
const B = 0.044715 * A;

/**
 * 0.5 x (1 + tanh(√(2/π) (x + 0.044715 x³))), Hendrycks & Gimpel 2016, eq. in section 2: x σ(z) with z = A x + B x³. Its
 * gradient is σ(z) + x σ(z) (1 − σ(z)) (A + 3 B x²), by hand because the tape's takes twice as many operations.
 */
export function gelu<T extends tf.Tensor>(x: T): T {
  const run = tf.customGrad((...args) => {
    const save = args[1] as unknown as tf.GradSaveFunc;
    const s = tf.sigmoid(x.square().mul(B).add(A).mul(x));
    save([x, s]);
    const gradFunc = (dy: tf.Tensor, saved: tf.Tensor[]) => {
      const [xs, ss] = saved as [tf.Tensor, tf.Tensor];
      const dz = xs
        .square()
        .mul(3 * B)
        .add(A)
        .mul(xs);
      return ss.sub(ss.square()).mul(dz).add(ss).mul(dy);
    };
    return { value: x.mul(s), gradFunc };
  });
  return run(x) as T;
}
