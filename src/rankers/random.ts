import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import type { Ranker } from './ranker.js';

/**
 * Control: a random refinement. Scores are uniform in [0, 1) and depend on the seed and the candidate's place alone.
 * For the expected quality of a random pick no draw is needed: measure the mean over the group.
 */
export function randomRanker(seed: number): Ranker {
  return {
    name: 'random',
    score: async (groups) =>
      groups.map((group, index) => {
        const generator = xoroshiro128plus(seed ^ Math.imul(index + 1, 0x9e3779b9));
        // The first numbers of neighbouring seeds are alike.
        for (let skipped = 0; skipped < 8; skipped++) generator.next();
        return group.map(() => ({ score: (generator.next() >>> 0) / 2 ** 32, perPrompt: [] }));
      }),
  };
}
