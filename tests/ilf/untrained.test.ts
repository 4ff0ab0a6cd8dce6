// A model that learned nothing (a learning rate of next to nothing) wins half, in every mode: it is compared with an independent
// sample of π_0, sampled alike on the same contexts, and not with the x0 that the feedback is about.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import type { Estimate } from '../../src/bayes/index.js';
import { startEngine } from '../../src/engine/index.js';
import { loop } from '../../src/ilf/loop.js';
import { openRunContext } from '../../src/ilf/open.js';
import type { LoopOptions } from '../../src/pipeline/options.js';
import type { Measures, RoundMeasures } from '../../src/report/run/types.js';
import { briefs } from '../../src/tasks/briefs/task.js';
import { openTask } from '../../src/tasks/open.js';
import { scratchFolder } from '../store/folder.js';

const dir = scratchFolder();
const models = fileURLToPath(new URL('../../models', import.meta.url));
const instruct = join(models, 'instruct');

const options: LoopOptions = {
  task: 'briefs',
  data: null,
  base: join(models, 'base'),
  refiner: instruct,
  critic: instruct,
  judge: instruct,
  feedback: null,
  contexts: 2,
  heldout: 40,
  // What is refined does not matter here, nor who picks it, nor how long a text is.
  samples: 1,
  rounds: 1,
  roundMode: 'continue',
  targets: 'ilf',
  ranker: 'longest',
  host: 'engine',
  rewardModel: null,
  humanLikeness: null,
  seed: 3,
  engine: 'cpu',
  precision: 'float32',
  temperature: 1,
  topP: 0.95,
  maxTokens: 20,
  lr: 1e-12,
  epochs: 1,
  batch: 8,
  promptWeight: 0.05,
  beta: 10,
};

/** Posts that the models know, as a person's own file of 200, of which 40 are held out. */
function ownPosts(name: string, ...fields: ('output' | 'feedback' | 'gold')[]): Partial<LoopOptions> {
  const lines = briefs.contexts('heldout', 300, 200).map((post) => {
    const output = briefs.written!(post, 'own');
    const given = { output, feedback: briefs.annotate!(post, output, 'own').text, gold: post.gold };
    return { context: post.text, ...Object.fromEntries(fields.map((field) => [field, given[field]])) };
  });
  const data = join(dir, `${name}.jsonl`);
  writeFileSync(data, lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  return { task: 'file', data };
}

/** One run's folder for those that are about the same contexts: what they have in common is made once. */
const modes: [mode: string, folder: string, changed: () => Partial<LoopOptions>][] = [
  ['the embedded world, two rounds', 'world', () => ({ rounds: 2 })],
  ['the embedded world, a critic', 'world', () => ({ feedback: 'critic' })],
  ['own data, contexts alone', 'contexts', () => ownPosts('contexts')],
  [
    'own data, two rounds from π_0',
    'contexts',
    () => ({ ...ownPosts('contexts'), rounds: 2, roundMode: 'retrain' }),
  ],
  [
    'own data, the judge as the ranker',
    'contexts',
    () => ({ ...ownPosts('contexts'), ranker: 'instruct-rm' }),
  ],
  ['own data with outputs', 'outputs', () => ownPosts('outputs', 'output')],
  ['own data with outputs and feedback', 'feedback', () => ownPosts('feedback', 'output', 'feedback')],
  ['own data with references', 'gold', () => ownPosts('gold', 'gold')],
];

// A busy machine needs its time.
vi.setConfig({ testTimeout: 300_000 });

beforeAll(async () => {
  await startEngine();
});

describe.each(modes)('%s', (_mode, folder, changed) => {
  it('is a draw', async () => {
    const all = { ...options, ...changed() };
    const place = { dir: join(dir, folder), fresh: false, version: '0' };
    const reporter = { progress: () => {}, scalar: () => {}, done: () => {} };
    const run = await openRunContext(await openTask(all), all, place, reporter);
    try {
      const { document } = await loop(run);
      const { winRate, score, rankerScore } = document as Measures;
      const within = (what: string, estimate: Estimate | undefined, truth: number) => {
        if (!estimate) return;
        expect(estimate.n, what).toBe(40);
        expect(estimate.lo, what).toBeLessThanOrEqual(truth);
        expect(estimate.hi, what).toBeGreaterThanOrEqual(truth);
      };
      expect(winRate!.tunedVsBase).toBeDefined();
      within('win rate', winRate!.tunedVsBase, 0.5);
      for (const { round, winRate: won } of document.rounds as RoundMeasures[])
        within(`win rate, round ${round}`, won, 0.5);
      within('score', score?.tunedMinusBase, 0);
      within('judged', rankerScore?.tunedMinusBase, 0);
      expect(score ?? rankerScore).toBeDefined();
    } finally {
      await run.close();
    }
  });
});
