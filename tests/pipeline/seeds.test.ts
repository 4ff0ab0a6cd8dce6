import { expect, it } from 'vitest';
import { seedOf, stepSeed } from '../../src/pipeline/seeds.js';

it('seeds differ by run, round and step, and fit 31 bits', () => {
  const seeds = [0, 1].flatMap((seed) =>
    ['round-1', 'round-2'].flatMap((round) => ['a', 'b'].map((step) => stepSeed(seed, round, step))),
  );
  expect(new Set(seeds).size).toBe(8);
  expect(seeds.every((seed) => Number.isInteger(seed) && seed >= 0 && seed < 2 ** 31)).toBe(true);
});

it('a step that is run alone has the seed that it has in the loop', () => {
  expect(seedOf({ seed: 7, round: 2 }, 'refine')).toBe(stepSeed(7, 'round-2', 'refine'));
});
