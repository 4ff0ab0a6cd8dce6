/**
 * Kernels of tfjs-backend-webgpu made reproducible. Two of them add floats atomically, in whatever order threads come, so
 * that the same seed gave other numbers each time: sums over segments (the gradient of a gather), and products with few
 * rows and columns of 2,000 terms and more (the gradient of a narrow layer's weights). Convolutions, which use such
 * products by another way, are left as they are.
 */
import * as tf from '../../tf.js';

type Args = Parameters<tf.KernelFunc>[0];

/** A program as WebGPUBackend.runWebGPUProgram takes it: the body of a WGSL shader, and what tfjs writes around it. */
interface Program {
  variableNames: string[];
  outputShape: number[];
  workgroupSize: [number, number, number];
  dispatchLayout: { x: number[] };
  dispatch: [number, number, number];
  /** Numbers in a vector: of the output, and of each input. */
  outputComponent: number;
  variableComponents: number[];
  size: boolean;
  uniforms: string;
  shaderKey: string;
  getUserCode(): string;
}
interface Backend {
  runWebGPUProgram(
    program: Program,
    inputs: tf.TensorInfo[],
    dtype: tf.DataType,
    uniforms: { type: 'int32'; data: number[] }[],
  ): tf.TensorInfo;
}

const WORKGROUP = 64;

/**
 * out[n,d] = Σ_m x[m,d] over the m with ids[m] = n, in their order: x [M,D], ids [M], out [N,D]. Each thread goes through all ids:
 * N·M·D / 4 comparisons, some percent of the output projection's product over the same tokens and vocabulary.
 */
function segmentSum(D: number, N: number, dtype: tf.DataType): Program {
  const lanes = D % 4 === 0 ? 4 : 1;
  const scalar = dtype === 'float32' ? 'f32' : 'i32';
  const vector = lanes === 4 ? `vec4<${scalar}>` : scalar;
  return {
    variableNames: ['x', 'ids'],
    outputShape: [N, D],
    workgroupSize: [WORKGROUP, 1, 1],
    dispatchLayout: { x: [0, 1] },
    dispatch: [Math.ceil((N * D) / lanes / WORKGROUP), 1, 1],
    outputComponent: lanes,
    variableComponents: [lanes, 1],
    size: true,
    uniforms: 'count : i32, width : i32,',
    shaderKey: `ilf_segment_sum_${lanes}`,
    getUserCode: () => `
      fn main(index : i32) {
        if (index < uniforms.size) {
          let n = index / uniforms.width;
          let d = index % uniforms.width;
          var sum = ${vector}(0);
          for (var m = 0; m < uniforms.count; m = m + 1) {
            if (ids[m] == n) { sum = sum + x[m * uniforms.width + d]; }
          }
          result[index] = sum;
        }
      }`,
  };
}

function unsortedSegmentSum({ inputs, attrs, backend }: Args): tf.TensorInfo {
  const { x, segmentIds } = inputs as unknown as { x: tf.TensorInfo; segmentIds: tf.TensorInfo };
  const { numSegments } = attrs as unknown as { numSegments: number };
  const M = tf.util.sizeFromShape(segmentIds.shape);
  const rest = x.shape.slice(segmentIds.shape.length);
  const D = tf.util.sizeFromShape(rest);
  const program = segmentSum(D, numSegments, x.dtype);
  const sum = (backend as unknown as Backend).runWebGPUProgram(
    program,
    [
      { ...x, shape: [M, D] },
      { ...segmentIds, shape: [M] },
    ],
    x.dtype,
    [
      { type: 'int32', data: [M] },
      { type: 'int32', data: [D / program.outputComponent] },
    ],
  );
  return { ...sum, shape: [numSegments, ...rest] };
}

/** Sizes from which tfjs takes the atomic product: at least so many terms, at most so many tiles of 32 × 32 results. */
const SPLIT_FROM = 2000;
const SPLIT_TILES = 32;
/** tfjs' MatMulSmallOutputSizeProgram, which it takes for as few results of fewer terms. */
const SMALL_OUTPUT = 2;
const PROGRAM_TYPE = 'WEBGPU_MATMUL_PROGRAM_TYPE';

/** The product by a program that does not add atomically. */
function reproducible(product: tf.KernelFunc): tf.KernelFunc {
  return (args) => {
    const { a, b } = args.inputs as unknown as { a: tf.TensorInfo; b: tf.TensorInfo };
    const { transposeA, transposeB } = args.attrs as unknown as { transposeA: boolean; transposeB: boolean };
    const [a0, a1] = a.shape.slice(-2) as [number, number];
    const [b0, b1] = b.shape.slice(-2) as [number, number];
    const [M, K, N] = [transposeA ? a1 : a0, transposeA ? a0 : a1, transposeB ? b0 : b1];
    if (K < SPLIT_FROM || Math.ceil(M / 32) * Math.ceil(N / 32) > SPLIT_TILES) return product(args);
    const before = tf.env().getNumber(PROGRAM_TYPE);
    tf.env().set(PROGRAM_TYPE, SMALL_OUTPUT);
    try {
      return product(args);
    } finally {
      tf.env().set(PROGRAM_TYPE, before);
    }
  };
}

/** Registers the replacements in place of tfjs' own. Once only. */
export function mendKernels(backendName: string): void {
  const replace = (kernelName: string, by: (own: tf.KernelFunc) => tf.KernelFunc) => {
    const own = tf.getKernel(kernelName, backendName);
    tf.unregisterKernel(kernelName, backendName);
    tf.registerKernel({ ...own, kernelFunc: by(own.kernelFunc) });
  };
  replace('UnsortedSegmentSum', () => unsortedSegmentSum as tf.KernelFunc);
  replace('BatchMatMul', reproducible);
  replace('_FusedMatMul', reproducible);
}
