/**
 * Recycles buffers. A fresh buffer of a million floats costs 80–170 µs (the kernel zeroes its pages); a
 * training step needs hundreds of them, of sizes that vary with the length of the batch, so sizes are rounded
 * up to classes.
 */

type Floats = Float32Array<ArrayBuffer>;
type Halves = Uint16Array<ArrayBuffer>;

/** Below these bytes a fresh array is as cheap as a recycled one. */
const MIN_POOLED = 8192;
/** Idle bytes beyond this go to the garbage collector. */
const MAX_IDLE_BYTES = 1 << 30;

/** Bytes actually reserved for n: at most an eighth more. */
function capacity(n: number): number {
  const grain = Math.max(2048, 2 ** (Math.floor(Math.log2(n)) - 3));
  return Math.ceil(n / grain) * grain;
}

export class BufferPool {
  private readonly idle = new Map<number, ArrayBuffer[]>();
  /** Bytes that wait to be taken again. */
  idleBytes = 0;

  /** An array of n floats with arbitrary contents. */
  take(n: number): Floats {
    return n * 4 < MIN_POOLED ? new Float32Array(n) : new Float32Array(this.buffer(n * 4), 0, n);
  }

  /** The same of n bfloat16 numbers. */
  takeHalves(n: number): Halves {
    return n * 2 < MIN_POOLED ? new Uint16Array(n) : new Uint16Array(this.buffer(n * 2), 0, n);
  }

  private buffer(bytes: number): ArrayBuffer {
    const size = capacity(bytes);
    const buffer = this.idle.get(size)?.pop();
    if (buffer === undefined) return new ArrayBuffer(size);
    this.idleBytes -= size;
    return buffer;
  }

  /** Gives back an array from take or takeHalves that nothing else refers to. */
  give(array: Floats | Halves): void {
    const { buffer } = array;
    const size = buffer.byteLength;
    if (array.byteLength < MIN_POOLED || this.idleBytes + size > MAX_IDLE_BYTES) return;
    const list = this.idle.get(size);
    if (list) list.push(buffer);
    else this.idle.set(size, [buffer]);
    this.idleBytes += size;
  }

  clear(): void {
    this.idle.clear();
    this.idleBytes = 0;
  }
}
