/**
 * bfloat16 as JavaScript sees it, a float's upper half in a Uint16Array, and what its rounding may cost.
 *
 * A bfloat16 has 8 significant bits: rounding to nearest changes a number by at most 2⁻⁸ of itself (half of the 2⁻⁷ that
 * neighbours are apart). So an operation on bfloat16 activations, held against itself in float32 on the same numbers, is off
 * by 2⁻⁸ of each result for storing it, and, where it rounds something on its way, by 2⁻⁸ of each term of what it sums
 * then; terms of random signs cancel, so their share is bounded by a small multiple of 2⁻⁸ of the largest result.
 */
import { expect } from 'vitest';

/** Largest relative change by rounding to bfloat16. */
export const HALF_ULP = 2 ** -8;

const word = new Float32Array(1);
const bits = new Uint32Array(word.buffer);

/** Nearest bfloat16, ties to even; a NaN stays one. */
export function toHalf(x: number): number {
  word[0] = x;
  if (Number.isNaN(x)) return (bits[0]! >>> 16) | 0x40;
  return (bits[0]! + 0x7fff + ((bits[0]! >>> 16) & 1)) >>> 16;
}

export function fromHalf(half: number): number {
  bits[0] = half << 16;
  return word[0]!;
}

// By loops: TypedArray.from, which goes by iterators, took half of the time of the tests.
export function toHalves(x: ArrayLike<number>): Uint16Array<ArrayBuffer> {
  const halves = new Uint16Array(x.length);
  for (let i = 0; i < x.length; i++) halves[i] = toHalf(x[i]!);
  return halves;
}

export function fromHalves(x: ArrayLike<number>): Float32Array<ArrayBuffer> {
  const floats = new Float32Array(x.length);
  for (let i = 0; i < x.length; i++) floats[i] = fromHalf(x[i]!);
  return floats;
}

/** The same numbers as nearest bfloat16 has them. */
export const rounded = (x: ArrayLike<number>): Float32Array<ArrayBuffer> => fromHalves(toHalves(x));

/** An output array full of NaN, so that an element that is not written, or added to, shows. */
export const blankHalves = (length: number): Uint16Array<ArrayBuffer> => new Uint16Array(length).fill(0x7fc0);

/** Fails where two arrays differ in any bit, or a number was not written. */
export function expectSameHalves(actual: Uint16Array, expected: Uint16Array): void {
  expect(actual.length).toBe(expected.length);
  for (let i = 0; i < actual.length; i++)
    if (actual[i] !== expected[i] || Number.isNaN(fromHalf(actual[i]!)))
      expect.fail(`element ${i}: ${fromHalf(actual[i]!)} instead of ${fromHalf(expected[i]!)}`);
}

/**
 * Fails where |actual − expected| is above HALF_ULP·|expected| (none for outputs in float32), plus `inner` HALF_ULPs of the
 * largest expected number for what was rounded on the way, plus `float32` of it for the other order of float32 sums.
 */
export function expectRounded(
  actual: Float32Array | Uint16Array,
  expected: ArrayLike<number>,
  { inner = 0, float32 = 1e-5 } = {},
): void {
  expect(actual.length).toBe(expected.length);
  const stored = actual instanceof Uint16Array;
  let largest = 0;
  for (let i = 0; i < expected.length; i++) largest = Math.max(largest, Math.abs(expected[i]!));
  const slack = (inner * HALF_ULP + float32) * largest;
  for (let i = 0; i < actual.length; i++) {
    const value = stored ? fromHalf(actual[i]!) : actual[i]!;
    const error = Math.abs(value - expected[i]!);
    if (!(error <= slack + (stored ? HALF_ULP * 1.01 * Math.abs(expected[i]!) : 0)))
      expect.fail(`element ${i}: ${value} instead of ${expected[i]}, largest ${largest}`);
  }
}
