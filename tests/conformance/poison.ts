/**
 * Makes the engine's buffer pool as unkind as it may be. The tests' tensors are too small to be pooled as a
 * rule; here every one is, filled with NaN before it is lent and again when it comes back, and at the head of
 * a longer buffer. Whatever is left unwritten, read after disposal or read past its end fails the test.
 */
import { FloatPool } from '../../src/engine/pool.js';

export function poisonPool(): void {
  FloatPool.prototype.take = (n) =>
    new Float32Array(new ArrayBuffer((n + 8) * Float32Array.BYTES_PER_ELEMENT), 0, n).fill(Number.NaN);
  FloatPool.prototype.give = (array) => {
    array.fill(Number.NaN);
  };
}
