/** `tensorflow`: TensorFlow by way of tfjs-node, on the GPU that it sees or else on the CPU; float32. */
import * as tf from '../tf.js';
import type { EngineKind } from './kind.js';
import { findTensorflow } from './tensorflow/find.js';
import { loadTensorflow } from './tensorflow/load.js';
import { BACKEND_NAME } from './tensorflow/node-backend.js';

/** Whether TensorFlow can be loaded and has a GPU. Loads it: only then it knows. Never throws. */
export async function tensorflowSeesGpu(): Promise<boolean> {
  try {
    return loadTensorflow().binding.isUsingGpuDevice();
  } catch {
    return false;
  }
}

export const tensorflow: EngineKind = {
  name: 'tensorflow',
  precisions: ['float32'],
  takesThreads: true,
  needs: async () => findTensorflow().needs,

  async start(precision, threads) {
    const { binding } = loadTensorflow(threads);
    if (!(await tf.setBackend(BACKEND_NAME))) throw new Error('the tensorflow engine did not start');
    const where = binding.isUsingGpuDevice() ? 'GPU' : 'CPU';
    return {
      name: 'tensorflow',
      precision,
      native: null,
      describe: () => `tensorflow (${binding.TF_Version}, ${where})`,
    };
  },
};
