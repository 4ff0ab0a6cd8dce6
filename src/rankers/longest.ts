import type { Ranker } from './ranker.js';

/** Control: the longest refinement, in characters. In the papers it beat every learned ranker. */
export function longestRanker(): Ranker {
  return {
    name: 'longest',
    score: async (groups) =>
      groups.map((group) =>
        group.map(({ refinement }) => ({ score: [...refinement].length, perPrompt: [] })),
      ),
  };
}
