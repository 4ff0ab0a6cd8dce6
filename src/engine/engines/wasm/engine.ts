/**
 * tfjs-backend-wasm made fit for training: it lacks UnsortedSegmentSum (the gradient of a gather), and its
 * matrix product is fast for rank-2 operands without transposes only (10 to 40 times slower otherwise). Both
 * are replaced here.
 */
import '@tensorflow/tfjs-backend-wasm';
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import * as tf from '../../tf.js';
import type { EngineKind } from '../kind.js';

const NAME = 'wasm';
/** What Emscripten gives every module; the typings leave it out. */
type Heap = { HEAPU8: Uint8Array };
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

/**
 * Floats of x from `offset` on as a tensor of this shape, without a copy (tfjs' Slice takes milliseconds a
 * call).
 */
function view(wasm: BackendWasm, x: tf.TensorInfo, offset: number, shape: number[]): tf.TensorInfo {
  return wasm.makeOutput(shape, 'float32', wasm.getMemoryOffset(x.dataId) + 4 * offset);
}

/** Forgets a view: disposeData would free memory that it does not own. */
function dropView(wasm: BackendWasm, { dataId }: tf.TensorInfo): void {
  wasm.wasm.tfjs.disposeData(wasm.dataIdMap.get(dataId).id as never);
  wasm.dataIdMap.delete(dataId);
}

/**
 * Transposes operands explicitly and multiplies batches one by one, so that every product takes the fast
 * path.
 */
function fastMatMul(slow: tf.KernelFunc): tf.KernelFunc {
  return (args) => {
    const { a, b } = args.inputs as unknown as { a: tf.TensorInfo; b: tf.TensorInfo };
    const { transposeA, transposeB } = args.attrs as unknown as { transposeA: boolean; transposeB: boolean };
    const backend = args.backend as BackendWasm;
    const batch = tf.util.sizeFromShape(a.shape.slice(0, -2));
    const batchB = tf.util.sizeFromShape(b.shape.slice(0, -2));
    const [a0, a1] = a.shape.slice(-2) as [number, number];
    const [b0, b1] = b.shape.slice(-2) as [number, number];
    const [M, K] = transposeA ? [a1, a0] : [a0, a1];
    const N = transposeB ? b0 : b1;
    // Small products do not earn the extra calls; unequal batches do not occur in our models.
    if (batch !== batchB || M * K * N < 4096) return slow(args);
    const turn = (x: tf.TensorInfo, rows: number, columns: number) => {
      const x3 = run(backend, 'Reshape', { x }, { shape: [batch, rows, columns] });
      const turned = run(backend, 'Transpose', { x: x3 }, { perm: [0, 2, 1] });
      backend.disposeData(x3.dataId);
      return turned;
    };
    const left = transposeA ? turn(a, a0, a1) : a;
    const right = transposeB ? turn(b, b0, b1) : b;
    const out = backend.makeOutput([...a.shape.slice(0, -2), M, N], 'float32');
    const outAt = backend.getMemoryOffset(out.dataId);
    for (let i = 0; i < batch; i++) {
      const x = view(backend, left, i * M * K, [M, K]);
      const y = view(backend, right, i * K * N, [K, N]);
      const product = slow({
        inputs: { a: x, b: y },
        attrs: { transposeA: false, transposeB: false },
        backend,
      }) as tf.TensorInfo;
      const from = backend.getMemoryOffset(product.dataId);
      (backend.wasm as unknown as Heap).HEAPU8.copyWithin(outAt + 4 * i * M * N, from, from + 4 * M * N);
      backend.disposeData(product.dataId);
      dropView(backend, x);
      dropView(backend, y);
    }
    if (transposeA) backend.disposeData(left.dataId);
    if (transposeB) backend.disposeData(right.dataId);
    return out;
  };
}

/** Registers the two replacements, once. */
function mend(): void {
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
}

/** `wasm`: tfjs-backend-wasm, one thread; the default where there was no compiler. */
export const wasm: EngineKind = {
  name: 'wasm',
  precisions: ['float32'],
  needs: async () => [],
  async start(precision) {
    mend();
    if (!(await tf.setBackend(NAME))) throw new Error('tfjs-backend-wasm did not start');
    return { name: 'wasm', precision, native: null, describe: () => 'wasm (one thread)' };
  },
};
