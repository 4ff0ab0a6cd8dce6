import { expect, it } from 'vitest';
import { longest } from '../../src/rankers/longest.js';
import { random } from '../../src/rankers/random.js';
import { rankerOptions } from '../helpers/ranker-options.js';

const group = (context: string, ...refinements: string[]) =>
  refinements.map((refinement) => ({ context, initial: 'i', feedback: 'f', refinement }));

it('longest prefers the longest, in characters', async () => {
  const ranker = await longest.open(rankerOptions());
  const [scores] = await ranker.score([group('c', 'ab', '', 'abc', '🙂🙂')]);
  expect(scores!.map(({ score }) => score)).toEqual([2, 0, 3, 2]);
});

it('random is uniform, seeded, and does not depend on what else is scored', async () => {
  const groups = Array.from({ length: 2000 }, (_, i) => group(`c ${i}`, 'a', 'b', 'c', 'd', 'e'));
  const draw = async (seed: number, of = groups) => {
    const ranker = await random.open(rankerOptions({ seed }));
    return (await ranker.score(of)).map((g) => g.map(({ score }) => score));
  };
  const scores = await draw(1);
  expect(await draw(1)).toEqual(scores);
  expect(await draw(1, groups.slice(7, 10).reverse())).toEqual(scores.slice(7, 10).reverse());
  expect((await draw(2))[0]).not.toEqual(scores[0]);

  const all = scores.flat();
  expect(all.every((score) => score >= 0 && score < 1)).toBe(true);
  // Standard deviations: 0.0029 of the mean, 40 of a count of 2000.
  expect(all.reduce((a, b) => a + b) / all.length).toBeCloseTo(0.5, 1);
  const picks = [0, 0, 0, 0, 0];
  for (const row of scores) picks[row.indexOf(Math.max(...row))]! += 1;
  for (const count of picks) expect(Math.abs(count - 400)).toBeLessThan(75);
  // Also over seeds at the same place.
  const first = await Promise.all(
    Array.from({ length: 500 }, async (_, seed) => (await draw(seed, groups.slice(0, 1)))[0]![0]!),
  );
  expect(first.reduce((a, b) => a + b) / 500).toBeCloseTo(0.5, 1);
});
