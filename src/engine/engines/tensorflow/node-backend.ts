/** tfjs-node's backend and its binding to TensorFlow, as far as they are used here: the package may not be installed. */
import * as tf from '../../tf.js';

/** The name under which tfjs-node's kernels are registered. */
export const BACKEND_NAME = 'tensorflow';

/** What binding/tfjs_binding.cc gives JavaScript. */
export interface Binding {
  TF_Version: string;
  TF_FLOAT: number;
  TF_ATTR_SHAPE: number;
  TF_ATTR_STRING: number;
  TF_ATTR_TYPE: number;
  isUsingGpuDevice(): boolean;
  /** Tensors that TensorFlow holds for JavaScript. */
  getNumOfTensors(): number;
}

/** An attribute of one of TensorFlow's operations; `type` is one of the binding's TF_ATTR_… */
export interface OpAttr {
  name: string;
  type: number;
  value: string | number | number[];
}

export interface NodeBackend extends tf.KernelBackend {
  binding: Binding;
  /** Runs any of TensorFlow's own operations by its name; its outputs belong to the current tidy scope. */
  executeMultipleOutputs(op: string, attrs: OpAttr[], inputs: tf.TensorInfo[], outputs: number): tf.Tensor[];
}

/** The backend while the engine `tensorflow` is tfjs' current one, else null. */
export function activeTensorflow(): NodeBackend | null {
  return tf.engine().backendName === BACKEND_NAME ? (tf.backend() as NodeBackend) : null;
}
