// Where feedback comes from: the task's annotator, the data, the critic; who is asked, and what a step's key says of it.
import { describe, expect, it } from 'vitest';
import { CRITIQUE_TOKENS } from '../../src/feedback/critic.js';
import { findSource, sources } from '../../src/feedback/registry.js';
import type { SourceOptions, ToCriticise } from '../../src/feedback/source.js';
import { briefs } from '../../src/tasks/briefs/task.js';
import { given, type Writer } from '../../src/writers/writer.js';

const sampling = { temperature: 1, topP: 0.95, maxTokens: 6 };
const source = async (name: string) => findSource(name, briefs, []);

/** A critic that says how often it was asked, or nothing. */
function critic(says: (i: number) => string = (i) => `answer ${i}`) {
  const asked: { name: string; text: string }[] = [];
  const limits: number[] = [];
  const writer: Writer = {
    name: 'a critic',
    key: 'a critic',
    write: async (prompts, n, { maxTokens }) => {
      expect(n).toBe(1);
      asked.push(...prompts);
      limits.push(maxTokens);
      return prompts.map((_, i) => [given(says(i))]);
    },
  };
  const options: SourceOptions = {
    task: briefs,
    critic: async () => writer,
    sampling,
    seed: 3,
    onTexts: () => {},
  };
  return { options, asked, limits };
}
const unasked: SourceOptions = {
  ...critic().options,
  critic: () => Promise.reject(new Error('the critic was opened')),
};

describe('the data set', () => {
  const items: ToCriticise[] = [
    { context: { id: '1', text: 'p' }, output: 'x' },
    { context: { id: '2', text: 'q', feedback: 'good' }, output: 'y' },
    { context: { id: '3', text: 'r' }, output: 'z' },
  ];

  it('uses feedback that was given, and asks for the rest', async () => {
    const { options, asked } = critic();
    const said = await (await source('dataset')).open(options).annotate(items);
    expect(said.map(({ text }) => text)).toEqual(['answer 0', 'good', 'answer 1']);
    expect(asked).toEqual([
      { name: 'context 1', text: briefs.prompts.critique('p', 'x') },
      { name: 'context 3', text: briefs.prompts.critique('r', 'z') },
    ]);
  });

  it('asks nobody where all was given, and depends on nobody then', async () => {
    const dataset = await source('dataset');
    expect(await dataset.open(unasked).annotate([items[1]!])).toEqual([{ text: 'good' }]);
    const inputs = (of: readonly ToCriticise[], seed: number) =>
      dataset.inputs(
        of.map(({ context }) => context),
        { sampling, seed },
      );
    expect(inputs([items[1]!], 1)).toEqual({ critic: false, values: null });
    expect(inputs(items, 1).critic).toBe(true);
    expect(inputs(items, 1)).not.toEqual(inputs(items, 2));
  });
});

describe('the critic', () => {
  it('may say more than an output, and is taken to say something where it says nothing', async () => {
    const { options, limits } = critic((i) => (i === 0 ? '' : 'Say when.'));
    const context = { id: '1', text: 'p', feedback: 'not asked for' };
    const said = await (await source('critic')).open(options).annotate([
      { context, output: 'x' },
      { context, output: 'y' },
    ]);
    expect(said).toEqual([{ text: briefs.prompts.noCritique }, { text: 'Say when.' }]);
    expect(limits).toEqual([CRITIQUE_TOKENS]);
  });
});

describe('the simulated annotator', () => {
  const [context] = briefs.contexts('ilf', 0, 1);

  it("is the task's own, by the seed, and asks no model", async () => {
    const simulated = await source('simulated');
    const [said] = await simulated.open(unasked).annotate([{ context: context!, output: 'It is cheap.' }]);
    expect(said).toEqual(briefs.annotate!(context!, 'It is cheap.', '3'));
    expect(simulated.inputs([context!], { sampling, seed: 3 })).toEqual({
      critic: false,
      values: { seed: 3 },
    });
  });

  it('is needed by who asks for it', async () => {
    const { annotate: _, ...silent } = briefs;
    const simulated = await source('simulated');
    expect(() => simulated.open({ ...unasked, task: { ...silent, name: 'mine' } })).toThrow(
      'mine has no simulated annotator',
    );
  });
});

describe('a source', () => {
  const found = async (
    contexts: { id: string; text: string; facts?: unknown }[],
    name: string | null = null,
  ) => (await findSource(name, briefs, contexts)).name;

  it('is the first that serves where none was asked for', async () => {
    const [context] = briefs.contexts('ilf', 0, 1);
    const bare = { id: '1', text: 'p' };
    expect(sources.map(({ name }) => name)).toEqual(['simulated', 'dataset', 'critic']);
    expect(await found([context!])).toBe('simulated');
    expect(await found([context!, bare])).toBe('dataset');
    expect(await found([context!], 'critic')).toBe('critic');
    await expect(found([bare], 'oracle')).rejects.toThrow(/^there is no source of feedback "oracle"/);
  });
});
