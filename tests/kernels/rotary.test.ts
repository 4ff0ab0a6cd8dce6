import { expect, it } from 'vitest';
import { blank, expectClose, native, random, underEverySetting } from './harness.js';

underEverySetting('rotary', (use) => {
  for (const [B, T, H, Dh] of [
    [1, 1, 1, 2],
    [3, 17, 2, 34],
    [2, 130, 4, 64],
  ] as const)
    it(`turns and turns back, T ${T}, Dh ${Dh}`, () => {
      use();
      const x = random(B * T * H * Dh, 1);
      const positions = Int32Array.from({ length: T }, (_, t) => 3 * t + 1);
      const expected = x.map((_, at) => {
        const i = at % Dh;
        const t = Math.floor(at / (H * Dh)) % T;
        const half = Dh / 2;
        const angle = positions[t]! * 10_000 ** ((-2 * (i % half)) / Dh);
        const other = i < half ? -x[at + half]! : x[at - half]!;
        return x[at]! * Math.cos(angle) + other * Math.sin(angle);
      });
      const y = blank(x.length);
      native.rotary(B, T, H, Dh, 10_000, positions, x, y, false);
      expectClose(y, expected, 1e-6);
      const back = blank(x.length);
      native.rotary(B, T, H, Dh, 10_000, positions, y, back, true);
      expectClose(back, x, 1e-6);
    });
});

it('refuses odd heads and wrong lengths', () => {
  const f = (n: number) => new Float32Array(n);
  expect(() => native.rotary(1, 1, 1, 3, 1e4, Int32Array.of(0), f(3), f(3), false)).toThrow(
    new RangeError('rotary: Dh must be even'),
  );
  expect(() => native.rotary(1, 2, 1, 4, 1e4, Int32Array.of(0), f(8), f(8), false)).toThrow(
    /rotary: positions must have 2/,
  );
});
