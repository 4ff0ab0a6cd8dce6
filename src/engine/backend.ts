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
import { BufferPool } from './pool.js';
import * as tf from './tf.js';

/** The name under which tfjs knows the engine `cpu` (tfjs-backend-cpu owns the plain name). */
export const BACKEND_NAME = 'ilf-cpu';

type Floats = Float32Array<ArrayBuffer>;
/** Stored in memory of our own. */
export type Stored = Floats | Uint16Array<ArrayBuffer>;

/** How the fused operations store activations and multiply them. tfjs sees float32 tensors either way. */
export const PRECISIONS = ['float32', 'bfloat16'] as const;
export type Precision = (typeof PRECISIONS)[number];

/** A storage record that notices when a stock kernel takes hold of the array; bfloat16 becomes float32 then. */
class PooledRecord {
  readonly dtype = 'float32' as const;
  refCount = 1;
  shared = false;
  constructor(
    public raw: Stored,
    private readonly native: Native,
  ) {}
  floats(): Floats {
    return this.raw instanceof Float32Array ? this.raw.slice() : toFloats(this.native, this.raw);
  }
  get values(): Floats {
    this.shared = true;
    if (!(this.raw instanceof Float32Array)) this.raw = toFloats(this.native, this.raw);
    return this.raw;
  }
}

function toFloats(native: Native, halves: Stored): Floats {
  const floats = new Float32Array(halves.length);
  native.convert(halves.length, halves, floats);
  return floats;
}

export class IlfCpuBackend extends MathBackendCPU {
  readonly pool = new BufferPool();
  precision: Precision = 'float32';

  constructor(readonly native: Native) {
    super();
    // tfjs-backend-cpu's advice to install another backend is not for our users.
    Reflect.set(this, 'firstUse', false);
  }

  /** The data of a float32 tensor as they are stored, for reading during one native call only. */
  stored(t: tf.TensorInfo): Stored {
    const record = this.data.get(t.dataId);
    if (record instanceof PooledRecord) return record.raw;
    // tfjs casts int32 and bool to float32 by name only: the array keeps its old type.
    const values = record.values as tf.TypedArray;
    return values instanceof Float32Array ? (values as Floats) : Float32Array.from(values);
  }

  /** The same as floats. */
  raw(t: tf.TensorInfo): Floats {
    const stored = this.stored(t);
    return stored instanceof Float32Array ? stored : toFloats(this.native, stored);
  }

  /** The same as activations in the engine's precision. */
  activations(t: tf.TensorInfo): Stored {
    const stored = this.stored(t);
    if (this.precision === 'float32') return this.raw(t);
    if (!(stored instanceof Float32Array)) return stored;
    const halves = new Uint16Array(stored.length);
    this.native.convert(stored.length, stored, halves);
    return halves;
  }

  /** An array from the pool for n activations. */
  take(n: number): Stored {
    return this.precision === 'float32' ? this.pool.take(n) : this.pool.takeHalves(n);
  }

  /** Stores an array from `pool` as tensor data. */
  adopt(raw: Stored, shape: number[]): tf.TensorInfo {
    const dataId = {};
    this.data.set(dataId, new PooledRecord(raw, this.native) as never);
    return { dataId, shape, dtype: 'float32' };
  }

  /** A tensor over an array from `pool`, tracked by the current tidy scope. */
  tensor<T extends tf.Tensor>(raw: Stored, shape: number[]): T {
    return tf.engine().makeTensorFromTensorInfo(this.adopt(raw, shape), this) as T;
  }

  /**
   * The variable's array for writing in place; a copy takes its place first if anyone else may see the old
   * one.
   */
  writable(v: tf.Variable): Float32Array {
    const record = this.data.get(v.dataId);
    if (record instanceof PooledRecord && !record.shared && record.refCount === 1) {
      if (record.raw instanceof Float32Array) return record.raw;
    }
    const old = this.raw(v);
    const raw = this.pool.take(old.length);
    raw.set(old);
    const fresh = this.tensor(raw, v.shape);
    v.assign(fresh);
    fresh.dispose();
    return raw;
  }

  /** The tensor itself where nobody else sees its array, else a copy in its place; for writing in place. */
  owned<T extends tf.Tensor>(t: T): T {
    const record = this.data.get(t.dataId);
    if (record instanceof PooledRecord && !record.shared && record.refCount === 1) return t;
    const raw = this.pool.take(t.size);
    raw.set(this.raw(t));
    t.dispose();
    return this.tensor<T>(raw, t.shape);
  }

  override readSync(dataId: object): tf.backend_util.BackendValues {
    const record = this.data.get(dataId);
    return record instanceof PooledRecord ? record.floats() : super.readSync(dataId);
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
