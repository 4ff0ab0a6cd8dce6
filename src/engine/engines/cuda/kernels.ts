/**
 * tfjs kernels that keep float32 tensors on the GPU: elementwise functions with broadcasting, reductions, and what only
 * moves elements. Other types, more than six dimensions and everything not named here go to the host.
 */
import type { NativeBackend } from '../../backend.js';
import type { Wrap } from '../../kernels.js';
import * as tf from '../../tf.js';
import type { CudaNative, View } from './memory.js';

// In the order of kernels/cuda/tensors.h.
const UNARY = [
  ...[
    'Abs',
    'Exp',
    'Log',
    'Sqrt',
    'Rsqrt',
    'Square',
    'Neg',
    'Reciprocal',
    'Relu',
    'Sigmoid',
    'Tanh',
    'Sin',
    'Cos',
  ],
  ...['Erf', 'Expm1', 'Log1p', 'Softplus', 'Elu'],
];
const BINARY = ['Add', 'Sub', 'Multiply', 'RealDiv', 'Maximum', 'Minimum', 'SquaredDifference', 'Pow'];
const REDUCTION = ['Sum', 'Mean', 'Max', 'Min'];
const MOST_DIMS = 6;
const MOST_ELEMENTS = 2 ** 31 - 1;

const sizeOf = tf.util.sizeFromShape;
const native = (backend: NativeBackend) => backend.native as CudaNative;
const fits = (...tensors: tf.TensorInfo[]) =>
  tensors.every(
    (t) =>
      t.dtype === 'float32' &&
      t.shape.length <= MOST_DIMS &&
      sizeOf(t.shape) <= MOST_ELEMENTS &&
      sizeOf(t.shape) > 0,
  );

/** Elements to skip for a step along each dimension of a contiguous tensor. */
const stridesOf = (shape: readonly number[]): number[] => shape.map((_, d) => sizeOf(shape.slice(d + 1)));

const view = (shape: readonly number[], strides: readonly number[], offset = 0): View =>
  Int32Array.of(...shape, ...strides, offset);

/** A tensor of some shape read as one of a larger shape. */
function broadcast(from: readonly number[], to: readonly number[]): View {
  const strides = stridesOf(from);
  const missing = to.length - from.length;
  return view(
    to,
    to.map((_, d) => (d < missing || from[d - missing] === 1 ? 0 : strides[d - missing]!)),
  );
}

const unary =
  (f: number): Wrap =>
  (next) =>
  (args) => {
    const { x } = args.inputs as { x: tf.TensorInfo };
    if (!fits(x)) return next(args);
    const backend = args.backend as NativeBackend;
    const out = backend.floats(sizeOf(x.shape));
    native(backend).unary(f, backend.raw(x), out);
    return backend.adopt(out, x.shape);
  };

const binary =
  (f: number): Wrap =>
  (next) =>
  (args) => {
    const { a, b } = args.inputs as { a: tf.TensorInfo; b: tf.TensorInfo };
    if (!fits(a, b)) return next(args);
    const shape = tf.backend_util.assertAndGetBroadcastShape(a.shape, b.shape);
    if (shape.length > MOST_DIMS || sizeOf(shape) > MOST_ELEMENTS) return next(args);
    const backend = args.backend as NativeBackend;
    const out = backend.floats(sizeOf(shape));
    native(backend).binary(
      f,
      broadcast(a.shape, shape),
      backend.raw(a),
      broadcast(b.shape, shape),
      backend.raw(b),
      out,
    );
    return backend.adopt(out, shape);
  };

/** x with its dimensions in another order, as a new array. */
function permuted(backend: NativeBackend, x: tf.TensorInfo, order: readonly number[]): tf.TensorInfo {
  const shape = order.map((d) => x.shape[d]!);
  const strides = stridesOf(x.shape);
  const out = backend.floats(sizeOf(shape));
  const from = view(
    shape,
    order.map((d) => strides[d]!),
  );
  native(backend).copyView(from, backend.raw(x), view(shape, stridesOf(shape)), out);
  return backend.adopt(out, shape);
}

const reduction =
  (f: number): Wrap =>
  (next) =>
  (args) => {
    const { x } = args.inputs as { x: tf.TensorInfo };
    if (!fits(x)) return next(args);
    const { axis, reductionIndices, keepDims } = args.attrs as unknown as {
      axis?: number | number[];
      reductionIndices?: number | number[];
      keepDims: boolean;
    };
    const axes = tf.util.parseAxisParam(axis ?? reductionIndices ?? null!, x.shape);
    const kept = [...x.shape.keys()].filter((d) => !axes.includes(d));
    const shape = x.shape.flatMap((n, d) => (axes.includes(d) ? (keepDims ? [1] : []) : [n]));
    const backend = args.backend as NativeBackend;
    const inner = sizeOf(axes.map((d) => x.shape[d]!));
    const outer = sizeOf(kept.map((d) => x.shape[d]!));
    const order = [...kept, ...axes];
    const inOrder = order.every((d, i) => d === i);
    const rows = inOrder ? x : permuted(backend, x, order);
    const out = backend.floats(outer);
    native(backend).reduce(f, outer, inner, backend.raw(rows), out);
    if (!inOrder) backend.disposeIntermediateTensorInfo(rows);
    return backend.adopt(out, shape);
  };

const transpose: Wrap = (next) => (args) => {
  const { x } = args.inputs as { x: tf.TensorInfo };
  if (!fits(x)) return next(args);
  return permuted(args.backend as NativeBackend, x, (args.attrs as unknown as { perm: number[] }).perm);
};

const slice: Wrap = (next) => (args) => {
  const { x } = args.inputs as { x: tf.TensorInfo };
  const { begin, size } = args.attrs as unknown as { begin: number | number[]; size: number | number[] };
  if (!fits(x)) return next(args);
  const [from, shape] = tf.slice_util.parseSliceParams(x as tf.Tensor, begin, size) as [number[], number[]];
  tf.slice_util.assertParamsValid(x, from, shape);
  const backend = args.backend as NativeBackend;
  const strides = stridesOf(x.shape);
  const offset = strides.reduce((sum, stride, d) => sum + stride * from[d]!, 0);
  const out = backend.floats(sizeOf(shape));
  if (sizeOf(shape) > 0)
    native(backend).copyView(
      view(shape, strides, offset),
      backend.raw(x),
      view(shape, stridesOf(shape)),
      out,
    );
  return backend.adopt(out, shape);
};

const split: Wrap = (next) => (args) => {
  const { x } = args.inputs as { x: tf.TensorInfo };
  const { numOrSizeSplits, axis } = args.attrs as unknown as {
    numOrSizeSplits: number | number[];
    axis: number;
  };
  if (!fits(x)) return next(args);
  const [along] = tf.util.parseAxisParam(axis, x.shape);
  const sizes = tf.backend_util.prepareSplitSize(x as tf.Tensor, numOrSizeSplits, along);
  const backend = args.backend as NativeBackend;
  const strides = stridesOf(x.shape);
  let at = 0;
  return sizes.map((n) => {
    const shape = x.shape.map((size, d) => (d === along ? n : size));
    const out = backend.floats(sizeOf(shape));
    const from = view(shape, strides, at * strides[along!]!);
    if (n > 0) native(backend).copyView(from, backend.raw(x), view(shape, stridesOf(shape)), out);
    at += n;
    return backend.adopt(out, shape);
  });
};

/** A slice's gradient. */
const pad: Wrap = (next) => (args) => {
  const { x } = args.inputs as { x: tf.TensorInfo };
  const { paddings, constantValue } = args.attrs as unknown as {
    paddings: [number, number][];
    constantValue: number;
  };
  const shape = x.shape.map((n, d) => paddings[d]![0] + n + paddings[d]![1]);
  if (!fits(x) || sizeOf(shape) > MOST_ELEMENTS) return next(args);
  const backend = args.backend as NativeBackend;
  const strides = stridesOf(shape);
  const out = backend.floats(sizeOf(shape));
  native(backend).fillWith(constantValue, out);
  const offset = strides.reduce((sum, stride, d) => sum + stride * paddings[d]![0], 0);
  native(backend).copyView(
    view(x.shape, stridesOf(x.shape)),
    backend.raw(x),
    view(x.shape, strides, offset),
    out,
  );
  return backend.adopt(out, shape);
};

const concat: Wrap = (next) => (args) => {
  const all = args.inputs as unknown as tf.TensorInfo[];
  const parts = all.filter((t) => sizeOf(t.shape) > 0);
  if (parts.length < 2 || !fits(...parts)) return next(args);
  const [axis] = tf.util.parseAxisParam((args.attrs as unknown as { axis: number }).axis, all[0]!.shape);
  const shapes = all.map((t) => t.shape);
  tf.backend_util.assertParamsConsistent(shapes, axis!);
  const shape = tf.backend_util.computeOutShape(shapes, axis!);
  if (sizeOf(shape) > MOST_ELEMENTS) return next(args);
  const backend = args.backend as NativeBackend;
  const strides = stridesOf(shape);
  const out = backend.floats(sizeOf(shape));
  let at = 0;
  for (const part of parts) {
    const from = view(part.shape, stridesOf(part.shape));
    native(backend).copyView(from, backend.raw(part), view(part.shape, strides, at * strides[axis!]!), out);
    at += part.shape[axis!]!;
  }
  return backend.adopt(out, shape);
};

const fill: Wrap = (next) => (args) => {
  const { shape, value, dtype } = args.attrs as unknown as {
    shape: number[];
    value: number | string;
    dtype?: tf.DataType;
  };
  const float = typeof value === 'number' && (dtype ?? 'float32') === 'float32';
  if (!float || sizeOf(shape) === 0 || sizeOf(shape) > MOST_ELEMENTS) return next(args);
  const backend = args.backend as NativeBackend;
  const out = backend.floats(sizeOf(shape));
  native(backend).fillWith(value, out);
  return backend.adopt(out, shape);
};

const each = (names: readonly string[], wrap: (f: number) => Wrap): [string, Wrap][] =>
  names.map((name, f) => [name, wrap(f)]);

/** By tfjs' names. */
export const cudaKernels: Readonly<Record<string, Wrap>> = Object.fromEntries([
  ...each(UNARY, unary),
  ...each(BINARY, binary),
  ...each(REDUCTION, reduction),
  ['Transpose', transpose],
  ['Slice', slice],
  ['SplitV', split],
  ['PadV2', pad],
  ['Concat', concat],
  ['Fill', fill],
]);
