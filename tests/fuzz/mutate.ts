/** Files that are nearly right: what a fuzzer hands to whatever reads them. */

import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';

/** Numbers at which sizes and counts go wrong. */
const HARD = [
  0,
  1,
  -1,
  7,
  127,
  128,
  255,
  256,
  2 ** 15,
  2 ** 16,
  2 ** 24,
  2 ** 31 - 1,
  -(2 ** 31),
  60_000_000,
];

export type Random = (below: number) => number;

export function seeded(seed: number): Random {
  const generator = xoroshiro128plus(seed);
  return (below) => uniformInt(generator, 0, below - 1);
}

/** A copy of `bytes` with one to four things wrong: bits, numbers, pieces that are cut, moved or repeated. */
export function mutated(bytes: Uint8Array, random: Random): Uint8Array {
  let out: Uint8Array = Uint8Array.from(bytes);
  for (let faults = 1 + random(4); faults > 0 && out.length > 8; faults--) out = oneFault(out, random);
  return out;
}

function oneFault(bytes: Uint8Array, random: Random): Uint8Array {
  const at = random(bytes.length - 8);
  const size = 1 + random(Math.min(64, bytes.length - at - 1));
  const data = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  switch (random(8)) {
    case 0:
      bytes[at]! ^= 1 << random(8);
      return bytes;
    case 1:
      bytes[at] = random(256);
      return bytes;
    // Metadata are numbers at multiples of 4, most of them small: these are hit most often.
    case 2:
    case 3:
      data.setInt32(at & ~3, HARD[random(HARD.length)]!, true);
      return bytes;
    case 4:
      data.setBigInt64(at & ~7, BigInt(HARD[random(HARD.length)]!) << BigInt(random(2) * 31), true);
      return bytes;
    case 5:
      return bytes.slice(0, at + 1);
    case 6:
      bytes.copyWithin(random(bytes.length), at, at + size);
      return bytes;
    default:
      return Uint8Array.from([...bytes.subarray(0, at), ...bytes.subarray(at + size)]);
  }
}
