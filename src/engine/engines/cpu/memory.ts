/** The host's memory for the `cpu` engine, in buffers that are used again. */
import type { Memory, StoredRecord } from '../../memory.js';
import type { Activations, Native } from '../../native.js';
import { BufferPool } from './pool.js';

type Floats = Float32Array<ArrayBuffer>;
type Halves = Uint16Array<ArrayBuffer>;

export class HostMemory implements Memory {
  readonly onDevice = false;
  readonly pool = new BufferPool();

  constructor(private readonly native: Native) {}

  floats(n: number): Floats {
    return this.pool.take(n);
  }
  halves(n: number): Halves {
    return this.pool.takeHalves(n);
  }
  give(array: Activations): void {
    this.pool.give(array as Floats | Halves);
  }
  isFloats(array: Activations): array is Floats {
    return array instanceof Float32Array;
  }
  read(array: Activations): Floats {
    return this.isFloats(array) ? array.slice() : this.toFloats(array);
  }
  write(values: Float32Array): Float32Array {
    return values;
  }
  copy(array: Floats): Floats {
    const copy = this.floats(array.length);
    copy.set(array);
    return copy;
  }
  clear(array: Floats): void {
    array.fill(0);
  }
  expose(record: StoredRecord): Floats {
    record.shared = true;
    if (!this.isFloats(record.raw)) record.raw = this.toFloats(record.raw);
    return record.raw as Floats;
  }
  release(): void {
    this.pool.clear();
  }

  private toFloats(halves: Activations): Floats {
    const floats = new Float32Array(halves.length);
    this.native.convert(halves.length, halves, floats);
    return floats;
  }
}
