/**
 * tfjs kernels of our engines: all of tfjs-backend-cpu's under our backend's name, and native ones in
 * place of matrix products, sums of equal shapes (the tape adds gradients with them) and multiples.
 */
import '@tensorflow/tfjs-backend-cpu';
import type { NativeBackend } from './backend.js';
import type { Activations } from './native.js';
import * as tf from './tf.js';

type Inputs = Record<string, tf.TensorInfo>;
interface MatMulAttrs {
  transposeA: boolean;
  transposeB: boolean;
}

/** A kernel that does what it can do better and leaves the rest to the next one, tfjs-backend-cpu's in the end. */
export type Wrap = (next: tf.KernelFunc) => tf.KernelFunc;
type Args = Parameters<tf.KernelFunc>[0];
type Result = tf.TensorInfo | tf.TensorInfo[];

const isFloat = (t: tf.TensorInfo) => t.dtype === 'float32';

/**
 * [..., M, K] × [..., K, N]; leading dimensions equal, or all 1 on one side. Everything else is left to the next.
 */
const batchMatMul: Wrap =
  (next) =>
  (args: Args): Result => {
    const { a, b } = args.inputs as Inputs as { a: tf.TensorInfo; b: tf.TensorInfo };
    const { transposeA, transposeB } = args.attrs as unknown as MatMulAttrs;
    const backend = args.backend as NativeBackend;
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
    if (!isFloat(a) || !isFloat(b) || !plain || K !== K2 || empty) return next(args);
    const outer = tf.backend_util.assertAndGetBroadcastShape(outerA, outerB);
    const batch = Math.max(batchA, batchB);
    const out = backend.floats(batch * M * N);
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
  };

/** The product natively, bias and activation by this backend's own kernels. */
const fusedMatMul: Wrap =
  (next) =>
  (args: Args): Result => {
    const { a, b, bias, preluActivationWeights } = args.inputs as Inputs;
    const { activation } = args.attrs as unknown as { activation?: string };
    const name = { linear: null, relu: 'Relu', elu: 'Elu', relu6: 'Relu6', sigmoid: 'Sigmoid' }[
      activation ?? 'linear'
    ];
    if (preluActivationWeights || name === undefined || !a || !b) return next(args);
    const backend = args.backend as NativeBackend;
    const run = (kernel: string, inputs: Inputs, attrs = {}) =>
      tf.getKernel(kernel, backend.name).kernelFunc({ inputs, attrs, backend }) as tf.TensorInfo;
    let out = run('BatchMatMul', { a, b }, args.attrs);
    const replace = (next: tf.TensorInfo) => {
      backend.disposeIntermediateTensorInfo(out);
      out = next;
    };
    if (bias) replace(run('Add', { a: out, b: bias }));
    if (name) replace(run(name, { x: out }));
    return out;
  };

/** The sum of two tensors of one size: natively, in bfloat16 where both are stored so. The tape adds gradients with it. */
function sum(backend: NativeBackend, a: tf.TensorInfo, b: tf.TensorInfo): Activations {
  const [x, y] = [backend.stored(a), backend.stored(b)];
  const halves = !backend.storage.isFloats(x) && !backend.storage.isFloats(y);
  const out = halves ? backend.storage.halves(x.length) : backend.floats(x.length);
  if (halves) backend.native.add(x.length, x, y, out);
  else backend.native.add(x.length, backend.raw(a), backend.raw(b), out);
  return out;
}

/** a + b of equal shapes; everything else is left to the next. */
const add: Wrap =
  (next) =>
  (args: Args): Result => {
    const { a, b } = args.inputs as Inputs as { a: tf.TensorInfo; b: tf.TensorInfo };
    if (!isFloat(a) || !isFloat(b) || !tf.util.arraysEqual(a.shape, b.shape)) return next(args);
    const backend = args.backend as NativeBackend;
    return backend.adopt(sum(backend, a, b), a.shape);
  };

/** a times a scalar; everything else is left to the next. */
const multiply: Wrap =
  (next) =>
  (args: Args): Result => {
    const { a, b } = args.inputs as Inputs as { a: tf.TensorInfo; b: tf.TensorInfo };
    if (!isFloat(a) || !isFloat(b) || b.shape.length > 0) return next(args);
    const backend = args.backend as NativeBackend;
    const x = backend.stored(a);
    const out = !backend.storage.isFloats(x) ? backend.storage.halves(x.length) : backend.floats(x.length);
    const by = (backend.readSync(b.dataId) as Float32Array)[0]!;
    backend.native.scale(x.length, x, by, out);
    return backend.adopt(out, a.shape);
  };

/** Sum of equally shaped float tensors. */
const addN: Wrap =
  (next) =>
  (args: Args): Result => {
    const tensors = args.inputs as unknown as tf.TensorInfo[];
    if (!tensors.every(isFloat) || tensors.length < 2) return next(args);
    const backend = args.backend as NativeBackend;
    const [first, second, ...rest] = tensors as [tf.TensorInfo, tf.TensorInfo, ...tf.TensorInfo[]];
    let out = backend.adopt(sum(backend, first, second), first.shape);
    for (const t of rest) {
      const next = backend.adopt(sum(backend, out, t), first.shape);
      backend.disposeIntermediateTensorInfo(out);
      out = next;
    }
    return out;
  };

const nativeKernels: Readonly<Record<string, Wrap>> = {
  BatchMatMul: batchMatMul,
  _FusedMatMul: fusedMatMul,
  AddN: addN,
  Add: add,
  Multiply: multiply,
};

/**
 * Registers every kernel of an engine of ours under its backend's name: `more` are those that only this engine has, which
 * the ones above fall back to.
 */
export function registerKernels(backendName: string, more: Readonly<Record<string, Wrap>> = {}): void {
  const wrap = ({ kernelName, kernelFunc }: tf.KernelConfig) =>
    [more[kernelName], nativeKernels[kernelName]].reduce((next, each) => each?.(next) ?? next, kernelFunc);
  for (const config of tf.getKernelsForBackend('cpu')) {
    tf.registerKernel({
      ...config,
      backendName,
      kernelFunc: wrap(config),
    });
  }
}
