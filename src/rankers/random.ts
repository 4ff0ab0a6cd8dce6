import { random } from '../tasks/random.js';
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
        const stream = random('random ranker', seed, index);
        return group.map(() => ({ score: stream.float(), perPrompt: [] }));
      }),
  };
}
