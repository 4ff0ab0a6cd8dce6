/** Where an engine of ours keeps numbers: the host's memory here, a GPU's in cuda-memory.ts. */
import type { Activations, FloatArray, HalfArray } from './native.js';

/** How tensor data of ours are recorded with tfjs, whose own kernels read `values`. */
export interface StoredRecord {
  readonly dtype: 'float32';
  refCount: number;
  /** Whether one of tfjs' kernels has taken hold of the array: it may keep views (a contiguous slice does). */
  shared: boolean;
  raw: Activations;
  readonly values: Float32Array;
}

export interface Memory {
  /** A GPU's, where many small things at once cost as much as one. */
  readonly onDevice: boolean;
  /** Arrays of n numbers with arbitrary contents. */
  floats(n: number): FloatArray;
  halves(n: number): HalfArray;
  /** Takes back an array that nothing else refers to. */
  give(array: Activations): void;
  isFloats(array: Activations): array is FloatArray;
  /** What an array holds, in the host's memory and not shared with anyone. */
  read(array: Activations): Float32Array;
  /** Numbers of the host; the array is not changed, and may be the caller's own. */
  write(values: Float32Array): FloatArray;
  /** Another array with the same contents. */
  copy(array: FloatArray): FloatArray;
  clear(array: FloatArray): void;
  /** What tfjs' kernels may read (and keep) as the record's values. */
  expose(record: StoredRecord): Float32Array;
  /** Resolves when what has been started is done, for a memory whose operations go on after their calls return. */
  ready?(): Promise<void>;
  /** Gives idle memory back to the system. */
  release(): void;
}
