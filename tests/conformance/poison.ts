/**
 * Makes the engine's buffer pool as unkind as it may be. The tests' tensors are too small to be pooled as a
 * rule; here every one is, filled with NaN before it is lent and again when it comes back, and at the head of
 * a longer buffer. Whatever is left unwritten, read after disposal or read past its end fails the test.
 */
import { BufferPool } from '../../src/engine/engines/cpu/pool.js';

const BFLOAT16_NAN = 0x7fc0;

/** Until the function that it returns is called. */
export function poisonPool(): () => void {
  const { take, takeHalves, give } = BufferPool.prototype;
  BufferPool.prototype.take = (n) =>
    new Float32Array(new ArrayBuffer((n + 8) * Float32Array.BYTES_PER_ELEMENT), 0, n).fill(Number.NaN);
  BufferPool.prototype.takeHalves = (n) =>
    new Uint16Array(new ArrayBuffer((n + 8) * Uint16Array.BYTES_PER_ELEMENT), 0, n).fill(BFLOAT16_NAN);
  BufferPool.prototype.give = (array) => {
    if (array instanceof Uint16Array) array.fill(BFLOAT16_NAN);
    else array.fill(Number.NaN);
  };
  return () => {
    Object.assign(BufferPool.prototype, { take, takeHalves, give });
  };
}
