import { expect, it } from 'vitest';
import { blank, expectClose, expectSameBits, native, random, underEverySetting } from './harness.js';

/** Of each head's 2·F first numbers, pairs turned in float64; the rest as it is. */
function rotated(
  heads: number,
  turned: number,
  Dh: number,
  positions: Int32Array,
  frequencies: Float64Array,
  interleaved: boolean,
  scale: number,
  x: Float32Array,
): Float32Array {
  const F = frequencies.length;
  return x.map((value, at) => {
    const head = Math.floor(at / Dh) % heads;
    const i = at % Dh;
    if (head >= turned || i >= 2 * F) return value;
    const pair = interleaved ? Math.floor(i / 2) : i % F;
    const first = interleaved ? i % 2 === 0 : i < F;
    const away = interleaved ? 1 : F;
    const other = first ? -x[at + away]! : x[at - away]!;
    const angle = positions[Math.floor(at / (heads * Dh))]! * frequencies[pair]!;
    return scale * (value * Math.cos(angle) + other * Math.sin(angle));
  });
}

underEverySetting('rotary', (use) => {
  for (const [M, heads, turned, Dh, F] of [
    [1, 1, 1, 2, 1],
    [51, 2, 2, 34, 17],
    [260, 4, 4, 64, 32],
    [33, 5, 3, 48, 10], // packed with values, and a part of a head
  ] as const)
    for (const interleaved of [false, true])
      it(`turns and turns back, M ${M}, Dh ${Dh}, ${F} pairs${interleaved ? ', interleaved' : ''}`, () => {
        use();
        const x = random(M * heads * Dh, 1);
        const frequencies = Float64Array.from({ length: F }, (_, i) => 10_000 ** (-i / F));
        const scale = 1.25;
        // Neighbours, one sequence after another, and positions far apart.
        const lists = [(m: number) => m % 17, (m: number) => 2000 - 61 * m].map((of) =>
          Int32Array.from({ length: M }, (_, m) => Math.abs(of(m))),
        );
        for (const positions of lists) {
          const y = blank(x.length);
          const call = (inverse: boolean, from: Float32Array, to: Float32Array) =>
            native.rotary(
              M,
              heads,
              turned,
              Dh,
              positions,
              frequencies,
              interleaved,
              scale,
              inverse,
              from,
              to,
            );
          call(false, x, y);
          expectClose(y, rotated(heads, turned, Dh, positions, frequencies, interleaved, scale, x), 1e-6);
          const back = blank(x.length);
          call(true, y, back);
          const kept = (at: number) => Math.floor(at / Dh) % heads >= turned || at % Dh >= 2 * F;
          expectClose(
            back.map((value, at) => (kept(at) ? value : value / scale ** 2)),
            x,
            1e-6,
          );
          // A row's result depends on its own position only.
          const last = (M - 1) * heads * Dh;
          const one = blank(heads * Dh);
          const position = positions.slice(M - 1);
          native.rotary(
            1,
            heads,
            turned,
            Dh,
            position,
            frequencies,
            interleaved,
            scale,
            false,
            x.slice(last),
            one,
          );
          expectSameBits(one, y.slice(last));
        }
      });
});

it('refuses more pairs than there are numbers, and wrong lengths', () => {
  const f = (n: number) => new Float32Array(n);
  const call = (pairs: number, positions: number) =>
    native.rotary(
      2,
      1,
      1,
      3,
      new Int32Array(positions),
      new Float64Array(pairs),
      false,
      1,
      false,
      f(6),
      f(6),
    );
  expect(() => call(2, 2)).toThrow(
    new RangeError('rotary: frequencies must not be more than half of Dh = 3'),
  );
  expect(() => call(1, 1)).toThrow(/rotary: positions must have 2/);
});
