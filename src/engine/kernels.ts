/**
 * tfjs kernels of the `cpu` engine: all of tfjs-backend-cpu's under our backend's name, and native ones in
 * place of matrix products. Elementwise sums and products of equal shapes write into pooled buffers: the tape
 * adds gradients with them.
 */
import '@tensorflow/tfjs-backend-cpu';
import { BACKEND_NAME, type IlfCpuBackend } from './backend.js';
import * as tf from './tf.js';

type Inputs = Record<string, tf.TensorInfo>;
interface MatMulAttrs {
  transposeA: boolean;
  transposeB: boolean;
}

function stock(kernelName: string): tf.KernelFunc {
  return tf.getKernel(kernelName, 'cpu').kernelFunc;
}

const isFloat = (t: tf.TensorInfo) => t.dtype === 'float32';

/**
 * [..., M, K] × [..., K, N]; leading dimensions equal, or all 1 on one side. Everything else is left to stock.
 */
function batchMatMul(args: Parameters<tf.KernelFunc>[0]): tf.TensorInfo | tf.TensorInfo[] {
  const { a, b } = args.inputs as Inputs as { a: tf.TensorInfo; b: tf.TensorInfo };
  const { transposeA, transposeB } = args.attrs as unknown as MatMulAttrs;
  const backend = args.backend as IlfCpuBackend;
  const outerA = a.shape.slice(0, -2);
  const outerB = b.shape.slice(0, -2);
  const batchA = tf.util.sizeFromShape(outerA);
  const batchB = tf.util.sizeFromShape(outerB);
  const [a0, a1] = a.shape.slice(-2) as [number, number];
  const [b0, b1] = b.shape.slice(-2) as [number, number];
  const [M, K] = transposeA ? [a1, a0] : [a0, a1];
  const [K2, N] = transposeB ? [b1, b0] : [b0, b1];
  const plain = batchA === 1 || batchB === 1 || tf.util.arraysEqual(outerA, outerB);
  const empty = batchA * batchB * M * N * K === 0;
  if (!isFloat(a) || !isFloat(b) || !plain || K !== K2 || empty) return stock('BatchMatMul')(args);
  const outer = tf.backend_util.assertAndGetBroadcastShape(outerA, outerB);
  const batch = Math.max(batchA, batchB);
  const out = backend.pool.take(batch * M * N);
  const x = backend.raw(a);
  const y = backend.raw(b);
  if (batch === 1) {
    backend.native.gemm(M, N, K, x, transposeA, y, transposeB, out, false);
  } else if (batchB === 1 && !transposeA) {
    backend.native.gemm(batch * M, N, K, x, false, y, transposeB, out, false);
  } else {
    const strideA = batchA === 1 ? 0 : M * K;
    const strideB = batchB === 1 ? 0 : K * N;
    backend.native.batchGemm(batch, M, N, K, x, strideA, transposeA, y, strideB, transposeB, out);
  }
  return backend.adopt(out, [...outer, M, N]);
}

/** The product natively, bias and activation by this backend's own kernels. */
function fusedMatMul(args: Parameters<tf.KernelFunc>[0]): tf.TensorInfo | tf.TensorInfo[] {
  const { a, b, bias, preluActivationWeights } = args.inputs as Inputs;
  const { activation } = args.attrs as unknown as { activation?: string };
  const name = { linear: null, relu: 'Relu', elu: 'Elu', relu6: 'Relu6', sigmoid: 'Sigmoid' }[
    activation ?? 'linear'
  ];
  if (preluActivationWeights || name === undefined || !a || !b) return stock('_FusedMatMul')(args);
  const backend = args.backend as IlfCpuBackend;
  const run = (kernel: string, inputs: Inputs, attrs = {}) =>
    tf.getKernel(kernel, BACKEND_NAME).kernelFunc({ inputs, attrs, backend }) as tf.TensorInfo;
  let out = run('BatchMatMul', { a, b }, args.attrs);
  const replace = (next: tf.TensorInfo) => {
    backend.disposeIntermediateTensorInfo(out);
    out = next;
  };
  if (bias) replace(run('Add', { a: out, b: bias }));
  if (name) replace(run(name, { x: out }));
  return out;
}

/**
 * An elementwise kernel of two equal shapes, or with a scalar second operand; stock for broadcasting and
 * other types.
 */
function elementwise(
  name: string,
  same: (x: Float32Array, y: Float32Array, out: Float32Array) => void,
  scalar: (x: Float32Array, y: number, out: Float32Array) => void,
): [string, tf.KernelFunc] {
  const fallback = stock(name);
  return [
    name,
    (args) => {
      const { a, b } = args.inputs as Inputs as { a: tf.TensorInfo; b: tf.TensorInfo };
      const isScalar = b.shape.length === 0;
      if (!isFloat(a) || !isFloat(b) || !(isScalar || tf.util.arraysEqual(a.shape, b.shape)))
        return fallback(args);
      const backend = args.backend as IlfCpuBackend;
      const x = backend.raw(a);
      const y = backend.raw(b);
      const out = backend.pool.take(x.length);
      if (isScalar) scalar(x, y[0]!, out);
      else same(x, y, out);
      return backend.adopt(out, a.shape);
    },
  ];
}

/**
 * out = x + y; four at a time, which V8 runs 1.7 times faster: it is what the tape does most after the
 * products.
 */
function addSame(x: Float32Array, y: Float32Array, out: Float32Array): void {
  const n = out.length;
  const even = n - (n % 4);
  for (let i = 0; i < even; i += 4) {
    out[i] = x[i]! + y[i]!;
    out[i + 1] = x[i + 1]! + y[i + 1]!;
    out[i + 2] = x[i + 2]! + y[i + 2]!;
    out[i + 3] = x[i + 3]! + y[i + 3]!;
  }
  for (let i = even; i < n; i++) out[i] = x[i]! + y[i]!;
}

/** Sum of equally shaped float tensors. */
function addN(args: Parameters<tf.KernelFunc>[0]): tf.TensorInfo | tf.TensorInfo[] {
  const tensors = args.inputs as unknown as tf.TensorInfo[];
  if (!tensors.every(isFloat) || tensors.length < 2) return stock('AddN')(args);
  const backend = args.backend as IlfCpuBackend;
  const out = backend.pool.take(tf.util.sizeFromShape(tensors[0]!.shape));
  addSame(backend.raw(tensors[0]!), backend.raw(tensors[1]!), out);
  for (const t of tensors.slice(2)) addSame(out, backend.raw(t), out);
  return backend.adopt(out, tensors[0]!.shape);
}

/** Registers every kernel of the `cpu` engine under BACKEND_NAME. */
export function registerKernels(): void {
  const ours = new Map<string, tf.KernelFunc>([
    ['BatchMatMul', batchMatMul],
    ['_FusedMatMul', fusedMatMul],
    ['AddN', addN],
    elementwise('Add', addSame, (x, y, out) => {
      for (let i = 0; i < out.length; i++) out[i] = x[i]! + y;
    }),
    elementwise(
      'Multiply',
      (x, y, out) => {
        for (let i = 0; i < out.length; i++) out[i] = x[i]! * y[i]!;
      },
      (x, y, out) => {
        for (let i = 0; i < out.length; i++) out[i] = x[i]! * y;
      },
    ),
  ]);
  for (const config of tf.getKernelsForBackend('cpu')) {
    tf.registerKernel({
      ...config,
      backendName: BACKEND_NAME,
      kernelFunc: ours.get(config.kernelName) ?? config.kernelFunc,
    });
  }
}
