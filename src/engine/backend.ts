/**
 * The `cpu` engine's tfjs backend: tfjs-backend-cpu's storage and kernels, with pooled buffers below the
 * native kernels.
 *
 * Who may recycle what: an array from the pool is given back when its tensor's data is disposed of, unless
 * one of tfjs' own kernels has touched it (they may keep views: a contiguous slice does). Users never get a
 * pooled array: reading copies it. So dataSync() is a snapshot, also of a variable that the optimizer updates
 * in place.
 */
import { MathBackendCPU } from '@tensorflow/tfjs-backend-cpu';
import type { Native } from './native.js';
import { FloatPool } from './pool.js';
import * as tf from './tf.js';

/** The name under which tfjs knows the engine `cpu` (tfjs-backend-cpu owns the plain name). */
export const BACKEND_NAME = 'ilf-cpu';

type Floats = Float32Array<ArrayBuffer>;

/** A storage record that notices when a stock kernel takes hold of the array. */
class PooledRecord {
  readonly dtype = 'float32' as const;
  refCount = 1;
  shared = false;
  constructor(public raw: Floats) {}
  get values(): Floats {
    this.shared = true;
    return this.raw;
  }
}

export class IlfCpuBackend extends MathBackendCPU {
  readonly pool = new FloatPool();

  constructor(readonly native: Native) {
    super();
    // tfjs-backend-cpu's advice to install another backend is not for our users.
    Reflect.set(this, 'firstUse', false);
  }

  /** The data of a float32 tensor, for reading during one native call only. */
  raw(t: tf.TensorInfo): Float32Array {
    const record = this.data.get(t.dataId);
    if (record instanceof PooledRecord) return record.raw;
    // tfjs casts int32 and bool to float32 by name only: the array keeps its old type.
    const values = record.values as tf.TypedArray;
    return values instanceof Float32Array ? values : Float32Array.from(values);
  }

  /** Stores an array from `pool` as tensor data. */
  adopt(raw: Floats, shape: number[]): tf.TensorInfo {
    const dataId = {};
    this.data.set(dataId, new PooledRecord(raw) as never);
    return { dataId, shape, dtype: 'float32' };
  }

  /** A tensor over an array from `pool`, tracked by the current tidy scope. */
  tensor<T extends tf.Tensor>(raw: Floats, shape: number[]): T {
    return tf.engine().makeTensorFromTensorInfo(this.adopt(raw, shape), this) as T;
  }

  /**
   * The variable's array for writing in place; a copy takes its place first if anyone else may see the old
   * one.
   */
  writable(v: tf.Variable): Float32Array {
    const record = this.data.get(v.dataId);
    if (record instanceof PooledRecord && !record.shared && record.refCount === 1) return record.raw;
    const old = this.raw(v);
    const raw = this.pool.take(old.length);
    raw.set(old);
    const fresh = this.tensor(raw, v.shape);
    v.assign(fresh);
    fresh.dispose();
    return raw;
  }

  override readSync(dataId: object): tf.backend_util.BackendValues {
    const record = this.data.get(dataId);
    return record instanceof PooledRecord ? record.raw.slice() : super.readSync(dataId);
  }

  override disposeData(dataId: object, force = false): boolean {
    const record = this.data.has(dataId) ? this.data.get(dataId) : null;
    const gone = super.disposeData(dataId, force);
    if (gone && record instanceof PooledRecord && !record.shared) this.pool.give(record.raw);
    return gone;
  }

  override dispose(): void {
    this.pool.clear();
  }
}

/**
 * The backend with its native functions while the `cpu` engine is tfjs' current one, else null; null too
 * where the addon, built from older sources, lacks the function that is asked for.
 */
export function activeNative(needs: keyof Native): IlfCpuBackend | null {
  if (tf.engine().backendName !== BACKEND_NAME) return null;
  const backend = tf.backend() as IlfCpuBackend;
  return typeof backend.native[needs] === 'function' ? backend : null;
}
