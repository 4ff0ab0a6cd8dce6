import { activeNative, type NativeBackend } from '../backend.js';
import type { Activations } from '../native.js';
import * as tf from '../tf.js';
import { gelu } from './gelu.js';

/** Of a gated MLP. 'gelu' is the tanh form. */
export type GluActivation = 'gelu' | 'silu';

/** As native code numbers them. */
export const ACTIVATION_CODES = { gelu: 1, silu: 2 } as const;

/** A gated linear unit's product (Shazeer 2020), act(gate)·up: both [M,N] → [M,N]. */
export function glu(gate: tf.Tensor2D, up: tf.Tensor2D, activation: GluActivation): tf.Tensor2D {
  const backend = activeNative('gluForward');
  return backend ? gluNative(backend, gate, up, activation) : gluComposed(gate, up, activation);
}

export function gluComposed(gate: tf.Tensor2D, up: tf.Tensor2D, activation: GluActivation): tf.Tensor2D {
  return tf.tidy(() => (activation === 'gelu' ? gelu(gate) : gate.mul(tf.sigmoid(gate))).mul(up));
}

function gluNative(
  backend: NativeBackend,
  gate: tf.Tensor2D,
  up: tf.Tensor2D,
  activation: GluActivation,
): tf.Tensor2D {
  const { native } = backend;
  const [n, act] = [gate.size, ACTIVATION_CODES[activation]];
  const run = tf.customGrad((...args) => {
    const save = args[2] as unknown as tf.GradSaveFunc;
    const y = backend.take(n);
    native.gluForward(n, act, backend.activations(gate), backend.activations(up), y);
    save([gate, up]);
    const gradFunc = (dy: tf.Tensor, saved: tf.Tensor[]) => {
      const [dgate, dup] = [backend.take(n), backend.take(n)];
      const [g, u, d] = [...saved, dy].map((t) => backend.activations(t)) as [
        Activations,
        Activations,
        Activations,
      ];
      native.gluBackward(n, act, g, u, d, dgate, dup);
      return [backend.tensor(dgate, gate.shape), backend.tensor(dup, up.shape)];
    };
    return { value: backend.tensor<tf.Tensor2D>(y, gate.shape), gradFunc };
  });
  return run(gate, up) as tf.Tensor2D;
}
