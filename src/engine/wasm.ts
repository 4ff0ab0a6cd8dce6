/**
 * tfjs-backend-wasm made fit for training: it lacks UnsortedSegmentSum (the gradient of a gather), and its matrix product is
 * fast for rank-2 operands without transposes only (10 to 40 times slower otherwise). Both are replaced here.
 */
import '@tensorflow/tfjs-backend-wasm';
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import * as tf from './tf.js';

const NAME = 'wasm';
type Args = Parameters<tf.KernelFunc>[0];

function run(
  backend: object,
  kernel: string,
  inputs: Record<string, tf.TensorInfo>,
  attrs = {},
): tf.TensorInfo {
  const { kernelFunc } = tf.getKernel(kernel, NAME);
  return kernelFunc({ inputs: inputs as never, attrs: attrs as never, backend }) as tf.TensorInfo;
}

/** out[segment, ...] += x[i, ...] on the host: M·D additions, less than the copy out of the wasm heap. */
function unsortedSegmentSum({ inputs, attrs, backend }: Args): tf.TensorInfo {
  const { x, segmentIds } = inputs as unknown as { x: tf.TensorInfo; segmentIds: tf.TensorInfo };
  const { numSegments } = attrs as unknown as { numSegments: number };
  const wasm = backend as BackendWasm;
  const values = wasm.readSync(x.dataId) as Float32Array;
  const ids = wasm.readSync(segmentIds.dataId) as Int32Array;
  const width = values.length / Math.max(1, ids.length);
  const out = new Float32Array(numSegments * width);
  for (let m = 0; m < ids.length; m++) {
    const id = ids[m]!;
    if (id < 0 || id >= numSegments) continue;
    const from = m * width;
    const to = id * width;
    for (let d = 0; d < width; d++) out[to + d] = out[to + d]! + values[from + d]!;
  }
  const shape = [numSegments, ...x.shape.slice(segmentIds.shape.length)];
  return wasm.makeOutput(shape, 'float32', undefined, out);
}

/** Transposes operands explicitly and multiplies batches one by one, so that every product takes the fast path. */
function fastMatMul(slow: tf.KernelFunc): tf.KernelFunc {
  return (args) => {
    const { a, b } = args.inputs as unknown as { a: tf.TensorInfo; b: tf.TensorInfo };
    const { transposeA, transposeB } = args.attrs as unknown as { transposeA: boolean; transposeB: boolean };
    const { backend } = args;
    const batchA = a.shape.slice(0, -2).reduce((x, y) => x * y, 1);
    const batchB = b.shape.slice(0, -2).reduce((x, y) => x * y, 1);
    const [rows, inner] = transposeA
      ? [a.shape.at(-1)!, a.shape.at(-2)!]
      : [a.shape.at(-2)!, a.shape.at(-1)!];
    const columns = transposeB ? b.shape.at(-2)! : b.shape.at(-1)!;
    // Small products do not earn the extra calls; unequal batches do not occur in our models.
    if (batchA !== batchB || rows * inner * columns < 16_384) return slow(args);
    const spare: tf.TensorInfo[] = [];
    const made = (t: tf.TensorInfo) => {
      spare.push(t);
      return t;
    };
    const flat = (x: tf.TensorInfo, transpose: boolean) => {
      const shape = [batchA, ...x.shape.slice(-2)];
      const x3 = made(run(backend, 'Reshape', { x }, { shape }));
      return transpose ? made(run(backend, 'Transpose', { x: x3 }, { perm: [0, 2, 1] })) : x3;
    };
    const a3 = flat(a, transposeA);
    const b3 = flat(b, transposeB);
    const matrix = (x: tf.TensorInfo, i: number) => {
      const size = [1, x.shape[1]!, x.shape[2]!];
      const cut = batchA === 1 ? x : made(run(backend, 'Slice', { x }, { begin: [i, 0, 0], size }));
      return made(run(backend, 'Reshape', { x: cut }, { shape: size.slice(1) }));
    };
    const product = (i: number) =>
      slow({
        inputs: { a: matrix(a3, i), b: matrix(b3, i) },
        attrs: { transposeA: false, transposeB: false },
        backend,
      }) as tf.TensorInfo;
    const shape = [...a.shape.slice(0, -2), rows, columns];
    let stacked: tf.TensorInfo;
    if (batchA === 1) stacked = made(product(0));
    else {
      const parts = Array.from({ length: batchA }, (_, i) => made(product(i)));
      stacked = made(run(backend, 'Concat', parts as never, { axis: 0 }));
    }
    const out = run(backend, 'Reshape', { x: stacked }, { shape });
    for (const t of spare) (backend as BackendWasm).disposeData(t.dataId);
    return out;
  };
}

/** Makes wasm tfjs' backend, with the two replacements. */
export async function startWasm(): Promise<void> {
  if (!tf.getKernel('UnsortedSegmentSum', NAME)) {
    const { setupFunc, kernelFunc } = tf.getKernel('BatchMatMul', NAME);
    tf.registerKernel({
      kernelName: 'UnsortedSegmentSum',
      backendName: NAME,
      kernelFunc: unsortedSegmentSum as tf.KernelFunc,
    });
    tf.unregisterKernel('BatchMatMul', NAME);
    tf.registerKernel({
      kernelName: 'BatchMatMul',
      backendName: NAME,
      kernelFunc: fastMatMul(kernelFunc),
      ...(setupFunc && { setupFunc }),
    });
  }
  if (!(await tf.setBackend(NAME))) throw new Error('tfjs-backend-wasm did not start');
}
