import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import * as tf from '../../src/engine/tf.js';
import { loadLM } from '../../src/lm/files.js';
import type { CausalLM } from '../../src/lm/model.js';
import type { Candidate } from '../../src/rankers/ranker.js';
import { findRanker, rankers } from '../../src/rankers/registry.js';
import { UserError } from '../../src/store/errors.js';
import type { AnswerPrompt } from '../../src/tasks/prompts.js';
import { humanPrompt, qualityPrompt } from '../../src/tasks/summarization.js';
import { loadTokenizer, type Tokenizer } from '../../src/text/tokenizer.js';
import { rankerOptions } from '../helpers/ranker-options.js';
import writeTinyModels from '../helpers/tiny-models.js';
import { scratchFolder } from '../store/folder.js';

const dir = scratchFolder();
// Any models do: what they say is compared with what the same ones say when asked by hand.
const options = rankerOptions({
  judge: join(dir, 'instruct'),
  rewardModel: join(dir, 'base'),
  humanLikeness: join(dir, 'instruct'),
  seed: 1,
});
beforeAll(() => writeTinyModels(dir));

const candidate = (refinement: string, feedback = 'Say when they meet.'): Candidate => ({
  context: 'The meeting with the team was moved to Thursday.',
  initial: 'The meeting was moved.',
  feedback,
  refinement,
});
const groups = [
  [
    candidate('The meeting is on Thursday.'),
    candidate('On Thursday'),
    candidate('The meeting is on Thursday.'),
  ],
  [],
  [candidate('The team was moved.', 'Name the day.'), candidate('')],
];

const names = rankers.map(({ name }) => name);
const scoresOf = async (name: string, of = groups) => {
  const descriptor = await findRanker(name);
  expect(descriptor.name).toBe(name);
  const ranker = await descriptor.open(options);
  const scores = await ranker.score(of);
  await ranker.close?.();
  return scores;
};

it.each(names)('%s opens, gives every candidate a score, and leaves nothing behind', async (name) => {
  const before = tf.memory().numTensors;
  const scores = await scoresOf(name);
  expect(tf.memory().numTensors).toBe(before);
  expect(scores.map((group) => group.length)).toEqual([3, 0, 2]);
  const prompts = name === 'instruct-rm' ? 5 : name.startsWith('instruct-rm-') ? 1 : 0;
  for (const { score, perPrompt } of scores.flat()) {
    expect(score).toSatisfy(Number.isFinite);
    expect(perPrompt).toHaveLength(prompts);
  }
  if (name !== 'random') expect(scores[0]![0]!.score).toBeCloseTo(scores[0]![2]!.score, 6);
  expect(scores[0]![0]!.score).not.toBe(scores[0]![1]!.score);
});

it('of another name is none', async () => {
  await expect(findRanker('oracle')).rejects.toThrow(
    /^there is no ranker "oracle"; there are instruct-rm, .*random, /,
  );
});

it('the ensemble is made of its prompts, each in its place', async () => {
  const ensemble = await scoresOf('instruct-rm');
  for (const [p, name] of names.filter((each) => each.startsWith('instruct-rm-')).entries()) {
    const alone = await scoresOf(name);
    for (const [i, { perPrompt }] of ensemble.flat().entries())
      expect(alone.flat()[i]!.score).toBeCloseTo(perPrompt[p]!, 6);
  }
});

/** The last token's hidden state and all of them, by the whole text. */
const hiddenOf = (lm: CausalLM, ids: readonly number[]) =>
  tf.tidy(() => lm.hidden(Int32Array.from(ids), 1, ids.length).arraySync() as number[][]);
const dot = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  Array.from(a).reduce((sum, x, i) => sum + x * b[i]!, 0);

async function withModel<T>(path: string, use: (lm: CausalLM, tokenizer: Tokenizer) => T): Promise<T> {
  const [lm, tokenizer] = [await loadLM(path), await loadTokenizer(path)];
  const result = use(lm, tokenizer);
  lm.dispose();
  return result;
}

describe.each<[string, string, AnswerPrompt, (odds: number) => number]>([
  ['reward-model', join(dir, 'base'), qualityPrompt, (odds) => odds],
  ['human-likeness', join(dir, 'instruct'), humanPrompt, (odds) => 1 / (1 + Math.exp(-odds))],
])('%s', (name, path, prompt, of) => {
  it('scores the answer to its question about context and refinement, by hand', async () => {
    const scores = (await scoresOf(name)).flat();
    const want = await withModel(path, (lm, tokenizer) => {
      const wte = lm.wte.arraySync();
      const row = (answer: string) => wte[tokenizer.encode(answer)[0]!]!;
      return groups.flat().map(({ context, refinement }) => {
        const ids = tokenizer.encode(prompt.prefix(context) + prompt.suffix(refinement));
        const last = hiddenOf(lm, ids).at(-1)!;
        return of(dot(last, row(prompt.positive)) - dot(last, row(prompt.negative)));
      });
    });
    for (const [i, { score }] of scores.entries()) expect(score).toBeCloseTo(want[i]!, 4);
  });

  it('does not look at the feedback or the initial output', async () => {
    const changed = groups.map((group) => group.map((each) => ({ ...each, feedback: 'x', initial: 'y' })));
    expect(await scoresOf(name, changed)).toEqual(await scoresOf(name));
  });

  it('says which option gives it a model', async () => {
    const descriptor = await findRanker(name);
    const without = rankerOptions({ judge: options.judge, seed: 1 });
    const opening = descriptor.open(without);
    await expect(opening).rejects.toThrow(UserError);
    await expect(opening).rejects.toThrow(`--${name} DIR`);
    expect(() => descriptor.madeFrom(without)).toThrow(`--${name} DIR`);
    expect(descriptor.madeFrom(options).models).toEqual([path]);
  });
});

describe('embedding', () => {
  it('is the cosine between the mean hidden states of feedback and refinement', async () => {
    const scores = (await scoresOf('embedding')).flat();
    const want = await withModel(options.judge, (lm, tokenizer) => {
      const embed = (text: string) => {
        const rows = hiddenOf(lm, tokenizer.encode(` ${text}`));
        return rows[0]!.map((_, d) => rows.reduce((sum, row) => sum + row[d]!, 0) / rows.length);
      };
      return groups.flat().map(({ feedback, refinement }) => {
        const [f, r] = [embed(feedback), embed(refinement)];
        return dot(f, r) / Math.sqrt(dot(f, f) * dot(r, r));
      });
    });
    for (const [i, { score }] of scores.entries()) expect(score).toBeCloseTo(want[i]!, 5);
    const same = await scoresOf('embedding', [[candidate('Say when they meet.')]]);
    expect(same[0]![0]!.score).toBeCloseTo(1, 6);
  });
});
