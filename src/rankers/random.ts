import { random as stream } from '../tasks/random.js';
import type { RankerDescriptor } from './ranker.js';

/**
 * Control: a random refinement. Scores are uniform in [0, 1) and depend on the seed, on what is refined, and on the candidate's number,
 * whatever the order of contexts. For the expected quality of a random pick no draw is needed: measure the mean over the group.
 */
export const random: RankerDescriptor = {
  name: 'random',
  label: 'random',
  help: 'a random refinement: a control',
  probability: false,
  madeFrom: ({ seed }) => ({ models: [], values: { seed } }),
  open: async ({ seed }) => ({
    score: async (groups) =>
      groups.map((group) => {
        const { context = '', initial = '' } = group[0] ?? {};
        const draws = stream('random ranker', seed, context, initial);
        return group.map(() => ({ score: draws.float(), perPrompt: [] }));
      }),
  }),
};
