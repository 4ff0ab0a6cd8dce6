/**
 * Recycles float buffers. A fresh buffer of a million floats costs 80–170 µs (the kernel zeroes its pages); a
 * training step needs hundreds of them, of sizes that vary with the length of the batch, so sizes are rounded
 * up to classes.
 */

/** Below this a fresh array is as cheap as a recycled one. */
const MIN_POOLED = 2048;
/** Idle bytes beyond this go to the garbage collector. */
const MAX_IDLE_BYTES = 1 << 30;

/** Elements actually reserved for n: at most an eighth more. */
function capacity(n: number): number {
  const grain = Math.max(512, 2 ** (Math.floor(Math.log2(n)) - 3));
  return Math.ceil(n / grain) * grain;
}

export class FloatPool {
  private readonly idle = new Map<number, ArrayBuffer[]>();
  private idleBytes = 0;

  /** An array of n floats with arbitrary contents. */
  take(n: number): Float32Array<ArrayBuffer> {
    if (n < MIN_POOLED) return new Float32Array(n);
    const size = capacity(n) * 4;
    const buffer = this.idle.get(size)?.pop();
    if (buffer === undefined) return new Float32Array(new ArrayBuffer(size), 0, n);
    this.idleBytes -= size;
    return new Float32Array(buffer, 0, n);
  }

  /** Gives back an array from take that nothing else refers to. */
  give(array: Float32Array<ArrayBuffer>): void {
    const { buffer } = array;
    const size = buffer.byteLength;
    if (array.length < MIN_POOLED || this.idleBytes + size > MAX_IDLE_BYTES) return;
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
