/**
 * The tfjs backend of our engines `cpu` and `cuda`: tfjs-backend-cpu's storage and kernels, with memory of our own below
 * the native ones.
 *
 * Who may recycle what: an array is given back when its tensor's data is disposed of, unless one of tfjs' own kernels has
 * touched it (they may keep views: a contiguous slice does). Users never get such an array: reading copies it. So
 * dataSync() is a snapshot, also of a variable that the optimizer updates in place.
 */
import { MathBackendCPU } from '@tensorflow/tfjs-backend-cpu';
import type { Memory, StoredRecord } from './memory.js';
import type { Activations, FloatArray, Native } from './native.js';
import * as tf from './tf.js';

/** How the fused operations store activations and multiply them. tfjs sees float32 tensors either way. */
export const PRECISIONS = ['float32', 'bfloat16'] as const;
export type Precision = (typeof PRECISIONS)[number];

class Stored implements StoredRecord {
  readonly dtype = 'float32' as const;
  refCount = 1;
  shared = false;
  constructor(
    public raw: Activations,
    private readonly storage: Memory,
  ) {}
  get values(): Float32Array {
    return this.storage.expose(this);
  }
}

export class NativeBackend extends MathBackendCPU {
  precision: Precision = 'float32';
  /** The addon's functions; what was converted for a call is given back after it. */
  readonly native: Native;
  private converted: Activations[] = [];

  /** name: as tfjs knows the backend. */
  constructor(
    readonly name: string,
    private readonly addon: Native,
    readonly storage: Memory,
  ) {
    super();
    const functions = Object.entries(addon).map(([key, f]) => [key, this.giveBackAfter(f)]);
    this.native = Object.fromEntries(functions) as Native;
    // tfjs-backend-cpu's advice to install another backend is not for our users.
    Reflect.set(this, 'firstUse', false);
  }

  private giveBackAfter<A extends unknown[], R>(f: (...args: A) => R): (...args: A) => R {
    return (...args) => {
      try {
        return f(...args);
      } finally {
        for (const array of this.converted) this.storage.give(array);
        this.converted.length = 0;
      }
    };
  }

  /** Numbers in the other type, for one native call. */
  private convert(from: Activations, to: Activations): Activations {
    this.addon.convert(from.length, from, to);
    this.converted.push(to);
    return to;
  }

  /** The data of a float32 tensor as they are stored, for reading during one native call only. */
  stored(t: tf.TensorInfo): Activations {
    const record = this.data.get(t.dataId);
    if (record instanceof Stored) return record.raw;
    // tfjs casts int32 and bool to float32 by name only: the array keeps its old type.
    const values = record.values as tf.TypedArray;
    const floats = values instanceof Float32Array ? values : Float32Array.from(values);
    const raw = this.storage.write(floats);
    if (raw !== floats) {
      // What has been brought to where native code reads it stays there.
      const moved = new Stored(raw, this.storage);
      moved.refCount = record.refCount;
      this.data.delete(t.dataId);
      this.data.set(t.dataId, moved as never);
    }
    return raw;
  }

  /** The same as floats. */
  raw(t: tf.TensorInfo): FloatArray {
    const stored = this.stored(t);
    if (this.storage.isFloats(stored)) return stored;
    return this.convert(stored, this.storage.floats(stored.length)) as FloatArray;
  }

  /** The same as activations in the engine's precision. */
  activations(t: tf.TensorInfo): Activations {
    const stored = this.stored(t);
    if (this.precision === 'float32') return this.raw(t);
    if (!this.storage.isFloats(stored)) return stored;
    return this.convert(stored, this.storage.halves(stored.length));
  }

  /** An array for n activations, with arbitrary contents. */
  take(n: number): Activations {
    return this.precision === 'float32' ? this.storage.floats(n) : this.storage.halves(n);
  }

  /** An array for n floats, with arbitrary contents. */
  floats(n: number): FloatArray {
    return this.storage.floats(n);
  }

  /** Stores an array of `storage` as tensor data. */
  adopt(raw: Activations, shape: number[]): tf.TensorInfo {
    const dataId = {};
    this.data.set(dataId, new Stored(raw, this.storage) as never);
    return { dataId, shape, dtype: 'float32' };
  }

  /** A tensor over an array of `storage`, tracked by the current tidy scope. */
  tensor<T extends tf.Tensor>(raw: Activations, shape: number[]): T {
    return tf.engine().makeTensorFromTensorInfo(this.adopt(raw, shape), this) as T;
  }

  /** A tensor of zeros. */
  zeros<T extends tf.Tensor>(shape: number[]): T {
    const raw = this.floats(tf.util.sizeFromShape(shape));
    this.storage.clear(raw);
    return this.tensor<T>(raw, shape);
  }

  /** The array of a tensor whose data nobody else sees, else null. */
  private own(t: tf.Tensor): FloatArray | null {
    const record = this.data.get(t.dataId);
    if (!(record instanceof Stored) || record.shared || record.refCount !== 1) return null;
    return this.storage.isFloats(record.raw) ? record.raw : null;
  }

  /**
   * The variable's array for writing in place; a copy takes its place first if anyone else may see the old
   * one.
   */
  writable(v: tf.Variable): FloatArray {
    const own = this.own(v);
    if (own) return own;
    const raw = this.storage.copy(this.raw(v));
    const fresh = this.tensor(raw, v.shape);
    v.assign(fresh);
    fresh.dispose();
    return raw;
  }

  /** The tensor itself where nobody else sees its array, else a copy in its place; for writing in place. */
  owned<T extends tf.Tensor>(t: T): T {
    if (this.own(t)) return t;
    const raw = this.storage.copy(this.raw(t));
    t.dispose();
    return this.tensor<T>(raw, t.shape);
  }

  override readSync(dataId: object): tf.backend_util.BackendValues {
    const record = this.data.get(dataId);
    return record instanceof Stored ? this.storage.read(record.raw) : super.readSync(dataId);
  }

  override async read(dataId: object): Promise<tf.backend_util.BackendValues> {
    await this.storage.ready?.();
    return this.readSync(dataId);
  }

  override disposeData(dataId: object, force = false): boolean {
    const record = this.data.has(dataId) ? this.data.get(dataId) : null;
    const gone = super.disposeData(dataId, force);
    if (gone && record instanceof Stored && !record.shared) this.storage.give(record.raw);
    return gone;
  }

  override dispose(): void {
    this.storage.release();
  }
}

/**
 * The backend with its native functions while one of ours is tfjs' current one, else null; null too where the
 * addon, built from older sources, lacks the function that is asked for.
 */
export function activeNative(needs: keyof Native): NativeBackend | null {
  const backend = tf.backend();
  return backend instanceof NativeBackend && typeof backend.native[needs] === 'function' ? backend : null;
}
