/** The GPU's memory for the `cuda` engine: CUDA's own pool, in the order of the stream (kernels/binding/cuda). */
import type { Memory, StoredRecord } from '../../memory.js';
import type { Activations, DeviceArray, FloatArray, Native } from '../../native.js';

/** What the addon has for a GPU besides the operations. */
export interface CudaNative extends Native {
  /** @throws Error where there is no GPU, no driver, or one too old */
  device(): CudaDevice;
  /** Whether attention takes Hopper's own instructions, and why, in one line: "used: …", "not used: …". */
  hopperState(): string;
  /**
   * Opens cuBLASLt, at a path or by its usual names; its version.
   * @throws Error where it does not open
   */
  openBlas(path?: string): string;
  /** What is on of what can be turned off (kernels/cuda/switches.h). */
  switches(): { overlap: boolean; graphs: boolean; library: boolean };
  /** Matrix products so far: by cuBLASLt, by it and a kernel of ours, by ours alone (kernels/cuda/multiply.cu). */
  products(): { library: number; finished: number; plain: number };
  allocateFloats(n: number): DeviceArray;
  allocateHalves(n: number): DeviceArray;
  free(array: DeviceArray): void;
  /** Fills with zeros. */
  clear(array: DeviceArray): void;
  upload(from: Float32Array | Uint16Array, to: DeviceArray): void;
  /** Waits for what has been started. */
  download(from: DeviceArray, to: Float32Array | Uint16Array): void;
  copy(from: DeviceArray, to: DeviceArray): void;
  synchronize(): void;
  /** Marks this point in the stream; whether the stream has passed the last mark. */
  mark(): void;
  passed(): boolean;
  /** The most bytes in use at once so far. */
  peakBytes(): number;

  /** Elementwise functions, reductions and copies of float32 (kernels/cuda/tensors.h); f: the place of a name there. */
  unary(f: number, x: FloatArray, y: FloatArray): void;
  binary(f: number, viewA: View, a: FloatArray, viewB: View, b: FloatArray, y: FloatArray): void;
  /** x [outer, inner] → y [outer]. */
  reduce(f: number, outer: number, inner: number, x: FloatArray, y: FloatArray): void;
  copyView(from: View, x: FloatArray, to: View, y: FloatArray): void;
  fillWith(value: number, y: FloatArray): void;
}

/** Where the elements of a shape lie in an array: the shape, a stride for each dimension (0 broadcasts), and an offset. */
export type View = Int32Array;

export interface CudaDevice {
  name: string;
  /** Compute capability. */
  major: number;
  minor: number;
  multiprocessors: number;
  /** Bytes. */
  memory: number;
  /** CUDA versions of the driver and of the runtime, as 1000·major + 10·minor. */
  driver: number;
  runtime: number;
  /** The highest clocks, kHz: of the multiprocessors and of the memory; the bus in bits. 0 where it is not known. */
  clockRate: number;
  memoryClockRate: number;
  memoryBusWidth: number;
  /** Kernels compiled for the CPU instead (ILF_CUDA_EMULATED). */
  emulated: boolean;
}

export class CudaMemory implements Memory {
  readonly onDevice = true;

  constructor(private readonly native: CudaNative) {}

  floats(n: number): DeviceArray {
    return this.native.allocateFloats(n);
  }
  halves(n: number): DeviceArray {
    return this.native.allocateHalves(n);
  }
  give(array: Activations): void {
    this.native.free(array as DeviceArray);
  }
  isFloats(array: Activations): array is DeviceArray {
    return !(array as DeviceArray).half;
  }
  read(array: Activations): Float32Array {
    const values = new Float32Array(array.length);
    if (this.isFloats(array)) {
      this.native.download(array, values);
      return values;
    }
    const floats = this.floats(array.length);
    this.native.convert(array.length, array, floats);
    this.native.download(floats, values);
    this.native.free(floats);
    return values;
  }
  write(values: Float32Array): DeviceArray {
    const array = this.floats(values.length);
    this.native.upload(values, array);
    return array;
  }
  copy(array: DeviceArray): DeviceArray {
    const copy = this.floats(array.length);
    this.native.copy(array, copy);
    return copy;
  }
  clear(array: DeviceArray): void {
    this.native.clear(array);
  }
  /** A copy: what tfjs' kernels do with it does not reach the device. */
  expose(record: StoredRecord): Float32Array {
    return this.read(record.raw);
  }
  /** Leaves the event loop to others meanwhile. */
  async ready(): Promise<void> {
    this.native.mark();
    while (!this.native.passed()) await new Promise((resolve) => setImmediate(resolve));
  }
  release(): void {}
}
