import * as tf from '../tf.js';

interface Operation {
  forwardFunc: (backend: unknown, save: (tensors: tf.Tensor[]) => void) => tf.Tensor[];
  backwardsFunc: (dys: tf.Tensor[], saved: tf.Tensor[]) => Record<string, () => tf.Tensor>;
  inputs: Record<string, tf.Tensor>;
}

/** Of one operation: its results, and the tensors that its gradient needs. */
export interface Results {
  values: tf.Tensor[];
  saved: tf.Tensor[];
}

/**
 * tf.customGrad for several results: `gradients` gets theirs, and gives those of the inputs. customGrad allows one; it calls what is called
 * here, which tfjs declares private.
 */
export function customGradOfSeveral(
  inputs: readonly tf.Tensor[],
  results: () => Results,
  gradients: (dys: tf.Tensor[], saved: tf.Tensor[]) => tf.Tensor[],
): tf.Tensor[] {
  const engine = tf.engine() as unknown as { runKernelFunc(operation: Operation): tf.Tensor[] };
  return engine.runKernelFunc({
    inputs: Object.fromEntries(inputs.map((x, i) => [i, x])),
    forwardFunc: (_, save) => {
      const { values, saved } = results();
      save(saved);
      return values;
    },
    backwardsFunc: (dys, saved) =>
      Object.fromEntries(gradients(dys, saved).map((gradient, i) => [i, () => gradient])),
  });
}
