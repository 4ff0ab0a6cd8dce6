// No two things share random numbers: every stream that a run opens, it opens once.
import { join } from 'node:path';
import { beforeAll, expect, it, vi } from 'vitest';
import { withReward } from '../../src/baselines/reward.js';
import { reinforce } from '../../src/baselines/rloo.js';
import { loop } from '../../src/ilf/loop.js';
import { openRunContext } from '../../src/ilf/open.js';
import type { LoopOptions } from '../../src/pipeline/options.js';
import { briefs } from '../../src/tasks/briefs/task.js';
import { openModel } from '../../src/writers/text-model.js';
import writeTinyModels from '../helpers/tiny-models.js';
import { scratchFolder } from '../store/folder.js';

/** The keys of every stream that was opened, as text. */
const { streams } = vi.hoisted(() => ({ streams: [] as string[] }));
vi.mock('../../src/lm/random.js', async (original) => {
  const module = await original<typeof import('../../src/lm/random.js')>();
  return {
    ...module,
    randomStream: (...keys: number[]) => {
      streams.push(keys.join('/'));
      return module.randomStream(...keys);
    },
  };
});
vi.mock('../../src/tasks/random.js', async (original) => {
  const module = await original<typeof import('../../src/tasks/random.js')>();
  return {
    ...module,
    random: (...keys: (string | number)[]) => {
      // A post is drawn by its name, and whoever asks for it gets the same one.
      if (keys[0] !== 'post') streams.push(keys.join('/'));
      return module.random(...keys);
    },
  };
});

const dir = scratchFolder();
const [base, instruct] = [join(dir, 'base'), join(dir, 'instruct')];
const options: LoopOptions = {
  task: 'briefs',
  data: null,
  base,
  refiner: instruct,
  critic: instruct,
  judge: instruct,
  feedback: null,
  contexts: 3,
  heldout: 3,
  samples: 3,
  rounds: 3,
  roundMode: 'continue',
  targets: 'ilf',
  ranker: 'longest',
  host: 'engine',
  rewardModel: null,
  humanLikeness: null,
  seed: 5,
  engine: 'cpu',
  precision: 'float32',
  temperature: 1,
  topP: 0.95,
  maxTokens: 6,
  lr: 1e-2,
  epochs: 2,
  batch: 2,
  promptWeight: 0.05,
  beta: 1,
};

beforeAll(() => writeTinyModels(dir), 60_000);

async function streamsOf(work: () => Promise<unknown>): Promise<string[]> {
  streams.length = 0;
  await work();
  return [...streams];
}
const repeated = (all: readonly string[]) => all.filter((keys, i) => all.indexOf(keys) < i);

/** A run of the loop. */
const run = (name: string, other: Partial<LoopOptions>) => async () => {
  const show = { progress: () => {}, scalar: () => {}, done: () => {} };
  const place = { dir: join(dir, name), fresh: false, version: '0' };
  const context = await openRunContext(briefs, { ...options, ...other }, place, show);
  await loop(context).finally(() => context.close());
};

it.each(['ilf', 'no-feedback', 'shuffled-feedback'] as const)('a run for the targets %s', async (targets) => {
  const opened = await streamsOf(run(targets, { targets }));
  // Three outputs and two KLs in three rounds, and as much again for the rest.
  expect(opened.length).toBeGreaterThan(100);
  expect(repeated(opened)).toEqual([]);
});

it('nor do runs of different seeds', async () => {
  const [one, other] = [await streamsOf(run('one', { seed: 1 })), await streamsOf(run('two', { seed: 2 }))];
  expect(one.length).toBeGreaterThan(100);
  expect(one.filter((keys) => other.includes(keys))).toEqual([]);
});

it('a run whose ranker is random', async () => {
  expect(repeated(await streamsOf(run('random', { ranker: 'random' })))).toEqual([]);
});

it('steps of RL', async () => {
  const model = await openModel(base);
  const settings = { beta: 0.5, prompts: 2, samples: 2, maxTokens: 6, steps: 6, lr: 1e-3 };
  const of = {
    ...{ task: briefs, theta: base, base: model, contexts: briefs.contexts('ilf', 0, 4) },
    ...{ options: settings, seed: 7 },
  };
  const opened = await streamsOf(() =>
    withReward(instruct, briefs.prompts, (reward) => reinforce({ ...of, reward }, join(dir, 'rl'), () => {})),
  );
  model.lm.dispose();
  // Of a pass over the contexts every step asks anew for the order; texts have four keys, an order two.
  const texts = opened.filter((keys) => keys.split('/').length === 4);
  expect(texts).toHaveLength(settings.steps * settings.prompts * settings.samples);
  expect(repeated(texts)).toEqual([]);
  expect(new Set(opened.filter((keys) => keys.split('/').length === 2)).size).toBe(3);
});
