import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { fromDataset } from '../../src/feedback/dataset.js';
import { rank, toRank } from '../../src/ilf/rank.js';
import { stepSeed } from '../../src/pipeline/seeds.js';
import { openFileTask } from '../../src/tasks/file/task.js';
import { tidy } from '../../src/writers/texts.js';
import { scratchFolder } from '../store/folder.js';

describe('tidy', () => {
  const cases: [name: string, text: string, finished: boolean, tidied: string][] = [
    ['a finished text stays', ' Dana left.', true, 'Dana left.'],
    ['a finished text needs no full stop', ' Dana left', true, 'Dana left'],
    ['what follows a line break goes', ' Dana left.\nPost: more', true, 'Dana left.'],
    ['line breaks in front do not count', '\n\n Dana left.', true, 'Dana left.'],
    ['a last sentence that was cut off goes', ' Dana left. And then sh', false, 'Dana left.'],
    ['questions and cries are sentences', ' Dana left? No! And then', false, 'Dana left? No!'],
    ['all one unfinished sentence stays', ' Dana left and then sh', false, 'Dana left and then sh'],
    ['a line break finishes a sentence', ' Dana left\nmore. And', false, 'Dana left'],
    ['nothing stays nothing', '  ', true, ''],
  ];
  it.each(cases)('%s', (_name, text, finished, tidied) => {
    expect(tidy(text, finished)).toBe(tidied);
  });
});

describe('rank', () => {
  const contexts = ['a', 'b'].map((id) => ({ id, text: `post ${id}` }));
  const said = contexts.map(({ id }) => ({ text: `of ${id}` }));
  const refinements = ['a', 'b'].flatMap((context) =>
    [0, 1, 2].map((candidate) => ({
      context,
      candidate,
      text: `${context}${candidate}`,
      logprob_refiner: 0,
      logprob_base: 0,
    })),
  );

  it('gives a ranker all it may know, and selects the best, the first of equals', async () => {
    const items = toRank(contexts, said, said, refinements);
    expect(items[1]!.group[2]).toEqual({
      context: 'post b',
      initial: 'of b',
      feedback: 'of b',
      refinement: 'b2',
    });
    const values: Record<string, number[]> = { a: [0.2, 0.7, 0.7], b: [0.1, 0.3, 0.9] };
    const ranker = {
      name: 'fixed',
      score: async (groups: readonly (readonly { refinement: string }[])[]) =>
        groups.map((group) =>
          group.map(({ refinement }) => {
            const score = values[refinement[0]!]![Number(refinement[1])]!;
            return { score, perPrompt: [score, score] };
          }),
        ),
    };
    const scores = await rank(ranker, items, () => {});
    expect(scores.filter((row) => row.selected).map((row) => [row.context, row.candidate])).toEqual([
      ['a', 1],
      ['b', 2],
    ]);
  });
});

describe("a person's own data", () => {
  const dir = scratchFolder();
  const write = (name: string, lines: unknown[]) => {
    const path = join(dir, name);
    writeFileSync(path, lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
    return path;
  };
  const lines = Array.from({ length: 23 }, (_, i) => ({ context: `post number ${i}` }));

  it('holds a fifth out, the same contexts in whatever order they come', async () => {
    const texts = async (path: string) => {
      const task = await openFileTask(path);
      const [held, learned] = [task.contexts('heldout', 0, 99), task.contexts('ilf', 0, 99)];
      expect([held.length, learned.length]).toEqual([5, 18]);
      expect([task.size('heldout'), task.size('ilf')]).toEqual([5, 18]);
      expect(new Set([...held, ...learned].map(({ text }) => text)).size).toBe(23);
      return held.map(({ text }) => text);
    };
    expect(await texts(write('a.jsonl', lines))).toEqual(await texts(write('b.jsonl', [...lines].reverse())));
  });

  it('holds out one of two', async () => {
    const task = await openFileTask(write('two.jsonl', lines.slice(0, 2)));
    expect([task.size('heldout'), task.size('ilf')]).toEqual([1, 1]);
  });

  it('uses feedback that was given, and asks for the rest', async () => {
    const asked: string[] = [];
    const source = fromDataset({
      name: 'other',
      annotate: async (items) =>
        items.map(({ context, output }) => {
          asked.push(`${context.id} ${output}`);
          return { text: `about ${output}` };
        }),
    });
    const given = await source.annotate([
      { context: { id: '1', text: 'p' }, output: 'x' },
      { context: { id: '2', text: 'q', feedback: 'good' }, output: 'y' },
      { context: { id: '3', text: 'r' }, output: 'z' },
    ]);
    expect(given.map(({ text }) => text)).toEqual(['about x', 'good', 'about z']);
    expect(asked).toEqual(['1 x', '3 z']);
  });
});

it('seeds differ by run, round and step, and fit 31 bits', () => {
  const seeds = [0, 1].flatMap((seed) =>
    ['round-1', 'round-2'].flatMap((round) => ['a', 'b'].map((step) => stepSeed(seed, round, step))),
  );
  expect(new Set(seeds).size).toBe(8);
  expect(seeds.every((seed) => Number.isInteger(seed) && seed >= 0 && seed < 2 ** 31)).toBe(true);
});
