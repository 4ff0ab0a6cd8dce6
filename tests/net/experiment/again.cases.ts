// The studies in a folder that was used before: what is there is not made again, and what was made from something else is.
import { beforeAll, describe, expect, it } from 'vitest';
import { contextIn, script, seen } from './fake-lm.js';
import { copyOf, nested, type Scripted, valuesOfAll } from './harness.js';

/** Of any things, in [0, 1): FNV-1a. */
function lot(...of: unknown[]): number {
  let h = 0x811c9dc5;
  for (const char of JSON.stringify(of)) h = Math.imul(h ^ char.charCodeAt(0), 0x01000193);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  return ((h ^ (h >>> 13)) >>> 0) / 2 ** 32;
}
const letters = (of: number) => `t${Math.floor(of * 36 ** 5).toString(36)}`;

// Everything depends on everything that it was asked with, a model's weights among it.
const scripted: Scripted = {
  scale: {
    texts: 1,
    sizes: [2, 5],
    usual: 3,
    comparisons: [3],
    bestOf: 2,
    betas: [0.5],
    rlSteps: 1,
    rounds: 1,
    ladder: { rungs: [0], steps: 7 },
    places: { compared: ['ilf', 100], comparedHeldOut: ['ilf', 400], calibrated: ['ilf', 300] },
  },
  options: { maxTokens: 5 },
  score: (text, i) => lot(text, i),
  settles: (text, i) => (lot(text, i) < 0.5 ? 1 : 0),
  follows: (text, context) => lot(text, context) < 0.5,
};
const setUp = () =>
  Object.assign(script, {
    steps: 2,
    writes: (({ role, weights, step }, prompt, j, p, settings) =>
      `${contextIn(prompt) ?? 'free'}: ${letters(lot(role, weights, step, prompt, j, p, settings))}`) as typeof script.writes,
    logprob: (({ role, weights, step }, prompt, text) =>
      -1 - lot(role, weights, step, prompt, text)) as typeof script.logprob,
    compare: ((q, p, prompt, text, tokens) => {
      const numbers = (name: string) =>
        Array.from({ length: tokens }, (_, t) =>
          lot(name, t, q.role, q.weights, p.role, p.weights, prompt, text),
        );
      return { logQ: numbers('q'), logP: numbers('p'), exact: numbers('exact') };
    }) as typeof script.compare,
    reward: ((...of) => lot(of)) as typeof script.reward,
    rank: ((...of) => 0.1 + 0.8 * lot(of)) as typeof script.rank,
  });

describe('the studies, run again in the same folder', () => {
  let first: Awaited<ReturnType<typeof valuesOfAll>>;
  let seeds: Set<number>;
  beforeAll(async () => {
    setUp();
    first = await valuesOfAll(scripted);
    seeds = new Set(seen.sampled.map(({ settings }) => settings.seed));
    expect(seen.sampled.length).toBeGreaterThan(50);
    expect(seen.trainings.length).toBeGreaterThan(20);
  });

  // These have the steps of others, many times.
  const many = ['targets', 'sizes'];
  it.each<[string, Scripted, string[]]>([
    ['another seed', { seed: 2 }, []],
    ['another π_0', { weights: { base: 'another' } }, many],
    ['another π_ψ', { weights: { instruct: 'another' } }, many],
    // The tuned models alone are others.
    [
      'another learning rate',
      { options: { ...scripted.options, lr: 0.002 } },
      [...many, 'rankers', 'rl', 'ladder'],
    ],
  ])('with %s give what they would have given without the folder', async (_, other, without) => {
    const used = nested(await valuesOfAll({ ...scripted, ...other, place: copyOf(first.place) }, without));
    const fresh = await valuesOfAll({ ...scripted, ...other }, without);
    expect(used).toEqual(nested(fresh));
    // No step has a seed that it had with the other seed.
    if (other.seed !== undefined)
      expect(seen.sampled.filter(({ settings }) => seeds.has(settings.seed))).toEqual([]);
  });

  it('make nothing again, and give the same', async () => {
    const again = await valuesOfAll({ ...scripted, place: first.place });
    expect([seen.sampled.length, seen.trainings.length]).toEqual([0, 0]);
    expect(nested(again)).toEqual(nested(first));
  });
});
