/** `tensorflow`: TensorFlow by way of tfjs-node, on the GPU that it sees or else on the CPU; float32. */
import * as tf from '../../tf.js';
import type { EngineKind, Need } from '../kind.js';
import { findTensorflow } from './find.js';
import { loadTensorflow } from './load.js';
import { BACKEND_NAME } from './node-backend.js';

/** Whether TensorFlow has a GPU. Loads it: only then it knows. Never throws. */
async function gpu(): Promise<Need> {
  const what = 'GPU of TensorFlow';
  try {
    const { binding } = loadTensorflow();
    const found = binding.isUsingGpuDevice() ? `seen by TensorFlow ${binding.TF_Version}` : null;
    return {
      what,
      found,
      advice: 'link a TensorFlow with CUDA ("pip install tensorflow[and-cuda]") that sees one',
    };
  } catch (error) {
    return {
      what,
      found: null,
      advice: String(error instanceof Error ? error.message : error).split('\n')[0]!,
    };
  }
}

export const tensorflow: EngineKind = {
  name: 'tensorflow',
  precisions: ['float32'],
  takesThreads: true,
  needs: async () => findTensorflow().needs,
  gpu,

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
