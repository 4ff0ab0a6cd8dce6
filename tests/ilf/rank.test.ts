import { describe, expect, it } from 'vitest';
import { rank, toRank } from '../../src/ilf/rank.js';
import { given } from '../../src/writers/writer.js';

describe('rank', () => {
  const contexts = ['a', 'b'].map((id) => ({ id, text: `post ${id}` }));
  // In another order: rows are found by their context and number.
  const said = contexts.map(({ id }) => ({ context: id, text: `of ${id}` })).reverse();
  const texts = ['a', 'b']
    .flatMap((context) =>
      [0, 1, 2].map((candidate) => ({ context, candidate, ...given(`${context}${candidate}`) })),
    )
    .reverse();
  const items = toRank({ contexts, initial: said, feedback: said, texts });

  it('gives a ranker all it may know', () => {
    expect(items.map(({ id, candidates }) => [id, candidates])).toEqual([
      ['a', [0, 1, 2]],
      ['b', [0, 1, 2]],
    ]);
    expect(items[1]!.group[2]).toEqual({
      context: 'post b',
      initial: 'of b',
      feedback: 'of b',
      refinement: 'b2',
    });
  });

  it('selects the best, the first of equals', async () => {
    const values: Record<string, number[]> = { a: [0.2, 0.7, 0.7], b: [0.1, 0.3, 0.9] };
    const ranker = {
      score: async (groups: readonly (readonly { refinement: string }[])[]) =>
        groups.map((group) =>
          group.map(({ refinement }) => {
            const score = values[refinement[0]!]![Number(refinement[1])]!;
            return { score, perPrompt: [score, score] };
          }),
        ),
    };
    const scores = await rank(ranker, 'fixed', items, () => {});
    expect(scores.filter((row) => row.selected).map((row) => [row.context, row.candidate])).toEqual([
      ['a', 1],
      ['b', 2],
    ]);
  });

  it('leaves a context without refinements without scores', async () => {
    const some = toRank({ contexts, initial: said, feedback: said, texts: texts.slice(0, 3) });
    expect(some.map(({ group }) => group.length)).toEqual([0, 3]);
    const ranker = {
      score: async (groups: readonly (readonly unknown[])[]) =>
        groups.map((group) => group.map(() => ({ score: 1, perPrompt: [] }))),
    };
    expect((await rank(ranker, 'fixed', some, () => {})).map(({ context }) => context)).toEqual([
      'b',
      'b',
      'b',
    ]);
  });
});
