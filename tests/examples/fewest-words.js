// A ranker in one file: the refinement of the fewest words. CONTRIBUTING.md's example; tests/cli/plug-ins.test.ts runs it.

/** @type {import('../../src/rankers/ranker.js').RankerDescriptor} */
export default {
  name: 'fewest-words',
  label: 'fewest words',
  help: 'the refinement of the fewest words',
  probability: false,
  madeFrom: () => ({ models: [] }),
  open: async () => ({
    score: async (groups) =>
      groups.map((group) =>
        group.map(({ refinement }) => ({ score: -refinement.split(/\s+/).length, perPrompt: [] })),
      ),
  }),
};
