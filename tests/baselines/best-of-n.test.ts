import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { bestOfNEstimates, bestOfNStep, sampleScored } from '../../src/baselines/best-of-n.js';
import { openReward, type RewardItem } from '../../src/baselines/reward.js';
import { rlStep } from '../../src/baselines/rloo.js';
import { startEngine } from '../../src/engine/index.js';
import { contextsStep } from '../../src/ilf/contexts.js';
import { scoreCompletions } from '../../src/lm/score.js';
import { ModelCache } from '../../src/pipeline/model-cache.js';
import type { RunContext } from '../../src/pipeline/run-context.js';
import { openRun } from '../../src/store/run.js';
import { briefs } from '../../src/tasks/briefs/task.js';
import type { TextModel } from '../../src/writers/text-model.js';
import { given } from '../../src/writers/writer.js';
import writeTinyModels from '../helpers/tiny-models.js';
import { scratchFolder } from '../store/folder.js';

const dir = scratchFolder();
const [base, instruct] = [join(dir, 'base'), join(dir, 'instruct')];
const contexts = briefs.contexts('ilf', 0, 3);
const sampling = { temperature: 1, topP: 0.95, maxTokens: 6 };
const none = () => {};
const models = new ModelCache();

beforeAll(async () => {
  await startEngine();
  await writeTinyModels(dir);
  return () => models.close();
}, 120_000);

/** The reward is a text's length. */
function lengths() {
  const asked: RewardItem[] = [];
  const score = async (items: readonly RewardItem[]) => {
    asked.push(...items);
    return items.map(({ text }) => text.length);
  };
  return { key: 'length', score, asked };
}

describe('scored samples', () => {
  const of = { task: briefs, contexts, n: 4, sampling, seed: 1 };

  it('carry the rewards and the log-probabilities under both models', async () => {
    const [model, prior] = [await models.get(instruct), await models.get(base)];
    const rows = await sampleScored({ ...of, model, base: prior, reward: lengths() }, none);
    expect(rows.map(({ context, candidate }) => [context, candidate])).toEqual(
      contexts.flatMap(({ id }) => [0, 1, 2, 3].map((candidate) => [id, candidate])),
    );
    const items = rows.map(({ ids }, i) => ({
      prompt: model.tokenizer.encode(briefs.prompts.write(contexts[Math.floor(i / 4)]!.text)),
      completion: Array.from(ids),
    }));
    const total = async ({ lm }: TextModel) =>
      (await scoreCompletions(lm, items)).map((logprobs) => logprobs.reduce((a, b) => a + b, 0));
    const expected = [await total(model), await total(prior)];
    rows.forEach((row, i) => {
      expect(model.tokenizer.decode(row.ids).trim()).toBe(row.text);
      expect(row.reward).toBe(row.text.length);
      expect(row.logprob_model).toBeCloseTo(expected[0]![i]!, 3);
      expect(row.logprob_base).toBeCloseTo(expected[1]![i]!, 3);
      expect(row.logprob_model).not.toBeCloseTo(row.logprob_base, 1);
    });
    expect(await sampleScored({ ...of, model, base: prior, reward: lengths() }, none)).toEqual(rows);
  });

  it('are scored once where they are equal, and keep their rows', async () => {
    const [model, reward] = [await models.get(instruct), lengths()];
    const greedy = { ...sampling, topP: 1e-6 };
    const rows = await sampleScored({ ...of, model, base: model, reward, n: 5, sampling: greedy }, none);
    expect(rows).toHaveLength(15);
    expect(reward.asked.map(({ context }) => context)).toEqual(contexts.map(({ text }) => text));
    for (const row of rows) expect(row.logprob_model).toBe(row.logprob_base);
  });
});

describe('best of n', () => {
  const rows = [
    [1, 2, 3],
    [5, 5, 5],
  ].flatMap((rewards, context) =>
    rewards.map((reward, candidate) => ({
      context: `${context}`,
      candidate,
      ...given(''),
      reward,
      logprob_model: 0,
      logprob_base: 0,
    })),
  );

  it('of 1, 2, 4, … and all: the expected pick, and how far picking moves', () => {
    const summary = bestOfNEstimates(rows);
    expect(summary.map(({ n }) => n)).toEqual([1, 2, 3]);
    // Of two of 1, 2, 3 the better is 2, 3 or 3; the other context is all ties: nothing to pick.
    [(2 + 5) / 2, (8 / 3 + 5) / 2, (3 + 5) / 2].forEach((value, i) => {
      expect(summary[i]!.reward.value).toBeCloseTo(value, 12);
    });
    expect(summary[0]!.kl.value).toBe(0);
    const [a, b, c] = [1 / 9, 3 / 9, 5 / 9];
    const kl = a * Math.log(3 * a) + b * Math.log(3 * b) + c * Math.log(3 * c);
    expect(summary[1]!.kl.value).toBeCloseTo(kl / 2, 12);
    expect(summary[1]!.klBound).toBeCloseTo(Math.log(2) - 0.5, 12);
  });
});

describe('a reward model', () => {
  it('is asked whether the summary is good, about equal texts once, and answers in log-odds', async () => {
    const reward = await openReward(instruct, briefs.prompts);
    const [context, model] = [contexts[0]!.text, await models.get(instruct)];
    const rewards = await reward.score([
      { context, text: 'Dana left.' },
      { context, text: 'It rains.' },
      { context, text: 'Dana left.' },
      { context: contexts[1]!.text, text: 'Dana left.' },
    ]);
    expect(rewards[2]).toBe(rewards[0]);
    // Of another context it is another output.
    expect(rewards[3]).not.toBe(rewards[0]);
    expect(rewards[1]).not.toBe(rewards[0]);
    const { prefix, suffix } = briefs.prompts.quality;
    const prompt = model.tokenizer.encode(prefix(context) + suffix('Dana left.'));
    const [yes, no] = await scoreCompletions(
      model.lm,
      [' Yes', ' No'].map((answer) => ({ prompt, completion: model.tokenizer.encode(answer).slice(0, 1) })),
    );
    expect(rewards[0]).toBeCloseTo(yes![0]! - no![0]!, 3);
    await reward.close();
  });
});

describe('as steps of a run', () => {
  it('are made once, and again where what they are made from has changed', async () => {
    const folder = await openRun(join(dir, 'run'), { version: '1', options: {}, seeds: {} });
    const ran: string[] = [];
    const run = {
      options: { task: 'briefs', base, seed: 1, engine: 'cpu', precision: 'float32' },
      task: briefs,
      folder,
      models,
      reporter: {
        progress: none,
        scalar: () => {},
        done: (step: string, made: boolean) => made && ran.push(step),
      },
    } as unknown as RunContext;
    const rl = { beta: 0.1, steps: 3, prompts: 1, samples: 2, lr: 1e-3, maxTokens: 4 };
    const all = async (beta: number) => {
      const contexts = await contextsStep(run, 'a', 'ilf', 0, 2);
      const [rewardModel, from] = [instruct, 'a/contexts'];
      const options = { ...rl, beta };
      const { tuned, log } = await rlStep(run, 'a', { theta: base, rewardModel, contexts, from, options });
      expect(log.map(({ step }) => step)).toEqual([1, 2, 3]);
      expect(existsSync(join(tuned, 'model.safetensors'))).toBe(true);
      return bestOfNStep(run, 'a', { model: tuned, rewardModel, contexts, from, n: 2, sampling });
    };
    const rows = await all(0.1);
    expect(rows).toHaveLength(4);
    expect(ran).toEqual(['a/contexts', 'a/rl', 'a/best-of-n']);
    expect(await all(0.1)).toEqual(rows);
    expect(ran).toHaveLength(3);
    await all(0.2);
    expect(ran.slice(3)).toEqual(['a/rl', 'a/best-of-n']);
    folder.close();
  });
});
