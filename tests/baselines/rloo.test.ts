// RL with a KL penalty on tiny models: what a step learns from, that it learns, and that a killed training goes on.
import { existsSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Reward, RewardItem } from '../../src/baselines/reward.js';
import { type Reinforcement, type RlOptions, reinforce } from '../../src/baselines/rloo.js';
import { meansOf, ofStep, promptContexts, sampleBatch } from '../../src/baselines/rollouts.js';
import { leaveOneOutAdvantages, penalisedRewards } from '../../src/bayes/rloo.js';
import { startEngine } from '../../src/engine/index.js';
import { scoreCompletions } from '../../src/lm/score.js';
import { briefs } from '../../src/tasks/briefs/task.js';
import { openModel, type TextModel } from '../../src/writers/text-model.js';
import { filesBelow } from '../helpers/cli.js';
import writeTinyModels from '../helpers/tiny-models.js';
import { ofDead, scratchFolder } from '../store/folder.js';

const dir = scratchFolder();
const [theta, other] = [join(dir, 'base'), join(dir, 'instruct')];
const contexts = briefs.contexts('ilf', 0, 5);
const none = () => {};

/** Short texts are good; counts how often it was asked. */
function shortness(): Reward & { asked: number; items: readonly RewardItem[] } {
  const reward = {
    key: 'shortness',
    asked: 0,
    items: [] as readonly RewardItem[],
    score: async (items: readonly RewardItem[]) => {
      reward.asked++;
      reward.items = items;
      return items.map(({ text }) => -text.length / 10);
    },
  };
  return reward;
}

let base: TextModel;
let instruct: TextModel;
beforeAll(async () => {
  await startEngine();
  await writeTinyModels(dir);
  [base, instruct] = [await openModel(theta), await openModel(other)];
}, 120_000);
afterAll(() => {
  base.lm.dispose();
  instruct.lm.dispose();
});

describe('the contexts of the steps', () => {
  it('are all of them, pass after pass, each pass in another order', () => {
    const ids = (seed: number) =>
      Array.from({ length: 10 }, (_, step) => ofStep(contexts, step, 2, seed).map(({ id }) => id)).flat();
    const passes = [0, 5, 10, 15].map((from) => ids(1).slice(from, from + 5));
    for (const pass of passes) expect([...pass].sort()).toEqual(contexts.map(({ id }) => id).sort());
    expect(new Set(passes.map(String)).size).toBeGreaterThan(1);
    expect(ids(1)).toEqual(ids(1));
    expect(ids(1)).not.toEqual(ids(2));
  });
});

describe('a batch', () => {
  const options = { beta: 0.5, prompts: 2, samples: 3, maxTokens: 6 };
  const prompted = () => promptContexts(base, briefs, contexts.slice(0, 2), options.maxTokens);

  it('holds the tokens as sampled, and advantages of penalised rewards', async () => {
    const reward = shortness();
    const players = { theta: base, base: instruct, reward, task: briefs };
    const rollouts = await sampleBatch(players, prompted(), options, 3);
    const means = meansOf(rollouts);
    expect(rollouts).toHaveLength(6);
    expect(rollouts.map(({ prompt }) => prompt)).toEqual(
      [0, 0, 0, 1, 1, 1].map((i) => base.tokenizer.encode(briefs.prompts.write(contexts[i]!.text))),
    );
    // Most are cut off: they are samples too, and have no end of text that nobody sampled.
    expect(rollouts.some(({ completion }) => !completion.includes(base.tokenizer.eos))).toBe(true);
    expect(reward.items.map(({ context }) => context)).toEqual(
      [0, 0, 0, 1, 1, 1].map((i) => contexts[i]!.text),
    );
    const total = (of: Float32Array[]) => of.map((logprobs) => logprobs.reduce((a, b) => a + b, 0));
    const logTheta = total(await scoreCompletions(base.lm, rollouts));
    const logBase = total(await scoreCompletions(instruct.lm, rollouts));
    const ratios = logTheta.map((lp, i) => lp - logBase[i]!);
    const rewards = reward.items.map(({ text }) => -text.length / 10);
    const values = penalisedRewards(rewards, ratios, 0.5);
    const advantages = [values.slice(0, 3), values.slice(3)].flatMap(leaveOneOutAdvantages);
    rollouts.forEach(({ advantage }, i) => {
      expect(advantage).toBeCloseTo(advantages[i]!, 3);
    });
    expect(means.kl).toBeCloseTo(ratios.reduce((a, b) => a + b) / 6, 3);
    expect(means.kl).toBeGreaterThan(1);
    expect(means.reward).toBeCloseTo(rewards.reduce((a, b) => a + b) / 6, 9);
    expect(means.length).toBe(rollouts.reduce((sum, { completion }) => sum + completion.length, 0) / 6);
  });

  it('has a KL of exactly 0 where the models are equal', async () => {
    const players = { theta: base, base, reward: shortness(), task: briefs };
    expect(meansOf(await sampleBatch(players, prompted(), options, 3)).kl).toBe(0);
  });
});

const options: RlOptions = { beta: 0, steps: 30, prompts: 2, samples: 4, lr: 1e-2, maxTokens: 10 };
const last = <T>(rows: readonly T[], n: number) => rows.slice(-n);
const meanOf = <K extends string>(rows: readonly Record<K, number>[], name: K) =>
  rows.reduce((sum, row) => sum + row[name], 0) / rows.length;

describe('training', () => {
  const training = (of: Partial<Reinforcement>): Reinforcement => ({
    task: briefs,
    theta,
    base,
    reward: shortness(),
    contexts,
    options,
    seed: 1,
    ...of,
  });

  it('raises the reward; the penalty keeps the KL down', async () => {
    const run = (beta: number) =>
      reinforce(training({ options: { ...options, beta } }), join(dir, `beta-${beta}`), none);
    const [free, held] = [await run(0), await run(5)];
    expect(free.map(({ step }) => step)).toEqual(Array.from({ length: 30 }, (_, i) => i + 1));
    expect(free[0]!.kl).toBe(0);
    expect(meanOf(last(free, 5), 'reward')).toBeGreaterThan(meanOf(free.slice(0, 5), 'reward') + 0.5);
    expect(meanOf(last(free, 5), 'kl')).toBeGreaterThan(1);
    expect(meanOf(last(held, 5), 'kl')).toBeLessThan(0.5 * meanOf(last(free, 5), 'kl'));
    const tuned = await openModel(join(dir, 'beta-0'));
    expect(tuned.tokenizer.encode('a b')).toEqual(base.tokenizer.encode('a b'));
    tuned.lm.dispose();
  });

  const short = { ...options, steps: 13, prompts: 1, samples: 2, maxTokens: 4 };
  const bytes = (folder: string) =>
    filesBelow(folder).map((file) => [file, readFileSync(join(folder, file)).toString('latin1')]);

  it('that stopped goes on from its checkpoint to the same bytes; with other options it starts anew', async () => {
    const straight = join(dir, 'straight');
    const rows: number[] = [];
    const log = await reinforce(training({ options: short }), straight, none, (row) => {
      rows.push(row.step);
    });
    expect(rows).toEqual(log.map(({ step }) => step));

    const stopped = join(dir, 'stopped');
    const failing = shortness();
    const { score } = failing;
    failing.score = (items) => {
      if (failing.asked === 12) throw new Error('out of power');
      return score(items);
    };
    await expect(reinforce(training({ reward: failing, options: short }), stopped, none)).rejects.toThrow(
      'out of power',
    );
    expect(existsSync(stopped)).toBe(false);
    expect(existsSync(`${stopped}.checkpoint`)).toBe(true);

    // As a kill between the two renames of a checkpoint leaves it.
    renameSync(`${stopped}.checkpoint`, ofDead(`${stopped}.checkpoint`, 'old'));
    const resumed = shortness();
    expect(await reinforce(training({ reward: resumed, options: short }), stopped, none)).toEqual(log);
    expect(resumed.asked).toBe(3);
    expect(bytes(stopped)).toEqual(bytes(straight));
    expect(existsSync(`${stopped}.checkpoint`)).toBe(false);

    failing.asked = 0;
    await expect(reinforce(training({ reward: failing, options: short }), stopped, none)).rejects.toThrow(
      'out of power',
    );
    const anew = shortness();
    await reinforce(training({ reward: anew, options: { ...short, beta: 1 } }), stopped, none);
    expect(anew.asked).toBe(13);
    expect(bytes(stopped)).not.toEqual(bytes(straight));
  });

  it('depends on its seed', async () => {
    const few = { ...short, steps: 2 };
    const log = (seed: number) => reinforce(training({ options: few, seed }), join(dir, 'seeds'), none);
    expect(await log(1)).not.toEqual(await log(2));
  });

  it('needs contexts', async () => {
    const of = training({ contexts: [], options: short });
    await expect(reinforce(of, join(dir, 'none'), none)).rejects.toThrow('there are no contexts');
  });
});
