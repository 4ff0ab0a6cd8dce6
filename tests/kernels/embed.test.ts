import { expect, it } from 'vitest';
import { blank, expectClose, native, random, randomIds, underEverySetting } from './harness.js';

underEverySetting('embed', (use) => {
  for (const [M, D, V, P] of [
    [1, 1, 1, 1],
    [17, 3, 5, 7],
    [600, 130, 37, 50],
    [3000, 16, 2, 50], // rows that are hit more than a thousand times
  ] as const)
    it(`forward and backward, [${M},${D}], V ${V}, P ${P}`, () => {
      use();
      const ids = randomIds(M, V, 1);
      const positions = randomIds(M, P, 2);
      const [wte, wpe, dy] = [random(V * D, 3), random(P * D, 4), random(M * D, 5)];
      const y = blank(M * D);
      native.embedForward(M, D, ids, positions, wte, wpe, y);
      const at = (i: number) => [
        ids[Math.floor(i / D)]! * D + (i % D),
        positions[Math.floor(i / D)]! * D + (i % D),
      ];
      expectClose(
        y,
        y.map((_, i) => wte[at(i)[0]!]! + wpe[at(i)[1]!]!),
        1e-6,
      );
      native.embedForward(M, D, ids, null, wte, null, y);
      expectClose(
        y,
        y.map((_, i) => wte[at(i)[0]!]!),
        0,
      );

      const [dwte, dwpe] = [blank(V * D), blank(P * D)];
      const [expectedToken, expectedPlace] = [new Float64Array(V * D), new Float64Array(P * D)];
      for (let i = 0; i < M * D; i++) {
        expectedToken[at(i)[0]!]! += dy[i]!;
        expectedPlace[at(i)[1]!]! += dy[i]!;
      }
      const tolerance = M / V > 1000 ? 1e-4 : 1e-5; // of a float32 sum term by term
      native.embedBackward(M, D, ids, positions, dy, dwte, dwpe, false);
      expectClose(dwte, expectedToken, tolerance);
      expectClose(dwpe, expectedPlace);
      native.embedBackward(M, D, ids, null, dy, dwte.fill(Number.NaN), null, false);
      expectClose(dwte, expectedToken, tolerance);
      native.embedBackward(M, D, ids, null, dy, dwte.fill(2), null, true);
      expectClose(
        dwte,
        expectedToken.map((x) => x + 2),
        tolerance,
      );
    });
});

it('refuses ids and positions out of range', () => {
  const f = (n: number) => new Float32Array(n);
  const ids = Int32Array.of(0, 3);
  expect(() => native.embedForward(2, 2, ids, null, f(6), null, f(4))).toThrow(
    new RangeError('embedForward: ids [1] = 3 is not in [0, 3)'),
  );
  expect(() => native.embedForward(2, 2, Int32Array.of(-1, 0), null, f(6), null, f(4))).toThrow(RangeError);
  expect(() => native.embedBackward(2, 2, ids, ids, f(4), f(8), f(6), false)).toThrow(
    /embedBackward: positions \[1\]/,
  );
  expect(() => native.embedForward(2, 2, ids, null, f(7), null, f(4))).toThrow(
    /wte must have a multiple of D = 2/,
  );
});
