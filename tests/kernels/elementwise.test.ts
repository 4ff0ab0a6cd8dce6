import { describe, expect, it } from 'vitest';
import {
  blankHalves,
  expectRounded,
  expectSameHalves,
  fromHalf,
  fromHalves,
  rounded,
  toHalf,
  toHalves,
} from './bfloat16.js';
import { blank, expectSameBits, native, random, underEverySetting } from './harness.js';

/** The least normal float32 (and bfloat16): AVX512-BF16's conversion takes anything smaller for zero. */
const LEAST = 2 ** -126;

/** A float32 from its bits. */
const float = (bits: number) => new Float32Array(Uint32Array.of(bits).buffer)[0]!;

/** x through a conversion, in a row of numbers long enough for full vectors and a tail. */
function convertOne(x: number): number {
  const n = 37;
  const halves = blankHalves(n);
  native.convert(n, new Float32Array(n).fill(x), halves);
  expect(new Set(halves).size).toBe(1);
  return halves[0]!;
}

underEverySetting('elementwise', (use) => {
  for (const [name, bits, half] of [
    ['one', 0x3f800000, 0x3f80],
    ['below a tie: down', 0x3f807fff, 0x3f80],
    ['a tie to an even one below', 0x3f808000, 0x3f80],
    ['above a tie: up', 0x3f808001, 0x3f81],
    ['a tie to an even one above', 0x3f818000, 0x3f82],
    ['a negative tie down', 0xbf808000, 0xbf80],
    ['a negative tie up', 0xbf818000, 0xbf82],
    ['a carry into the exponent', 0x3fffffff, 0x4000],
    ['zero', 0, 0],
    ['negative zero', 0x80000000, 0x8000],
    ['infinity', 0x7f800000, 0x7f80],
    ['negative infinity', 0xff800000, 0xff80],
    ['the largest bfloat16', 0x7f7f0000, 0x7f7f],
    ['the last that is not infinite', 0x7f7f7fff, 0x7f7f],
    ['what is nearest to infinity', 0x7f7f8000, 0x7f80],
    ['the largest float', 0x7f7fffff, 0x7f80],
    ['the least normal number', 0x00800000, 0x0080],
  ] as const)
    it(`converts ${name}`, () => {
      use();
      expect(convertOne(float(bits))).toBe(half);
    });

  // One bit of the lower half alone: cut off, it would be an infinity.
  for (const bits of [0x7fc00000, 0x7f800001, 0xff800001, 0x7fbfffff, 0xffffffff])
    it(`keeps the NaN ${bits.toString(16)}`, () => {
      use();
      // As bits: a NaN that passes through a number may be another one.
      const halves = blankHalves(37).fill(0);
      native.convert(37, new Float32Array(new Uint32Array(37).fill(bits).buffer), halves);
      for (const half of halves) expect(fromHalf(half)).toBeNaN();
      const floats = new Float32Array(37);
      native.convert(37, halves, floats);
      for (const x of floats) expect(x).toBeNaN();
    });

  it('rounds denormals to nearest, or takes them for zero', () => {
    use();
    for (const x of [LEAST / 2, -LEAST / 2, LEAST * (1 - 2 ** -23), 2 ** -149, LEAST * 0.3])
      expect([toHalf(x), x < 0 ? 0x8000 : 0]).toContain(convertOne(x));
  });

  it('gives the nearest bfloat16 of numbers of every size', () => {
    use();
    for (const n of [1, 15, 17, 100_003]) {
      const x = random(n, 1).map((v, i) => v * 2 ** ((i % 201) - 100));
      const halves = blankHalves(n);
      native.convert(n, x, halves);
      expectSameHalves(halves, toHalves(x));
    }
  });

  it('converts every bfloat16 to float32 and back to itself', () => {
    use();
    const all = Uint16Array.from({ length: 65536 }, (_, i) => i);
    const floats = new Float32Array(65536);
    native.convert(65536, all, floats);
    const back = new Uint16Array(65536);
    native.convert(65536, floats, back);
    all.forEach((half, i) => {
      const x = fromHalf(half);
      // Denormals are exact on the way up; on the way down see above.
      if (!Object.is(floats[i], x)) expect.fail(`${half}: ${floats[i]} instead of ${x}`);
      if (Number.isNaN(x)) expect(fromHalf(back[i]!)).toBeNaN();
      else if (Math.abs(x) >= LEAST || x === 0) expect(back[i]).toBe(half);
      else expect([half, half & 0x8000]).toContain(back[i]);
    });
  });

  for (const n of [1, 17, 100_003])
    it(`adds and scales ${n} numbers`, () => {
      use();
      const [a, b] = [rounded(random(n, 2)), rounded(random(n, 3))];
      const [sum, scaled] = [blank(n), blank(n)];
      native.add(n, a, b, sum);
      expectSameBits(
        sum,
        a.map((x, i) => x + b[i]!),
      );
      native.scale(n, a, 0.3, scaled);
      expectSameBits(
        scaled,
        a.map((x) => x * Math.fround(0.3)),
      );
      // One float32 operation, rounded once more: the nearest bfloat16 of what float32 gives.
      const [sumHalves, scaledHalves] = [blankHalves(n), blankHalves(n)];
      native.add(n, toHalves(a), toHalves(b), sumHalves);
      expectSameHalves(sumHalves, toHalves(sum));
      native.scale(n, toHalves(a), 0.3, scaledHalves);
      expectSameHalves(scaledHalves, toHalves(scaled));
      expectRounded(sumHalves, sum, { float32: 0 });
    });
});

describe('wrong arguments are named', () => {
  const [f, h] = [(n: number) => new Float32Array(n), (n: number) => new Uint16Array(n)];
  const cases: [name: string, call: () => void, error: Error][] = [
    [
      'convert, length',
      () => native.convert(3, f(3), h(4)),
      new RangeError('convert: y must have 3 elements, has 4'),
    ],
    [
      'convert, another type',
      () => native.convert(3, new Int32Array(3) as never, h(3)),
      new TypeError('convert: x must be a Float32Array or a Uint16Array of bfloat16'),
    ],
    ['add, second', () => native.add(3, f(3), h(3), f(3)), new TypeError('add: b must be a Float32Array')],
    ['add, sum', () => native.add(3, h(3), h(3), f(3)), new TypeError('add: sum must be a Uint16Array')],
    ['scale, y', () => native.scale(3, h(3), 2, f(3)), new TypeError('scale: y must be a Uint16Array')],
  ];
  it.each(cases)('%s', (_name, call, error) => expect(call).toThrow(error));
});

it('fromHalves and toHalves, which the tests lean on, are inverse', () => {
  const all = Uint16Array.from({ length: 65536 }, (_, i) => i);
  toHalves(fromHalves(all)).forEach((half, i) => {
    if (!Number.isNaN(fromHalf(i))) expect(half).toBe(i);
  });
});
