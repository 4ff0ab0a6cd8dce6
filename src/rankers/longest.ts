import type { RankerDescriptor } from './ranker.js';

/** The length of a text, in characters. */
export const lengthOf = (text: string): number => [...text].length;

/** Control: the longest refinement, in characters. In the papers it beat every learned ranker. */
export const longest: RankerDescriptor = {
  name: 'longest',
  label: 'longest',
  help: 'the longest refinement: a control',
  probability: false,
  madeFrom: () => ({ models: [] }),
  open: async () => ({
    score: async (groups) =>
      groups.map((group) => group.map(({ refinement }) => ({ score: lengthOf(refinement), perPrompt: [] }))),
  }),
};
