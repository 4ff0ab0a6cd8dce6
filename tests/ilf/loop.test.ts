// Runs of the loop on tiny models in this process: what each kind of targets needs, and how rounds go on.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { finetune } from '../../src/ilf/finetune.js';
import { loop } from '../../src/ilf/loop.js';
import { openRunContext } from '../../src/ilf/open.js';
import type { Outcome } from '../../src/ilf/outcome.js';
import { targetKinds } from '../../src/ilf/target-kinds.js';
import { fromTargetRows, type Target } from '../../src/ilf/targets.js';
import { type LoopOptions, tuningOf } from '../../src/pipeline/options.js';
import { stepSeed } from '../../src/pipeline/seeds.js';
import {
  contextsTable,
  fromContextRow,
  initialTable,
  klTable,
  refinementsTable,
  targetsTable,
} from '../../src/pipeline/tables.js';
import { readTable } from '../../src/store/tables.js';
import { briefs } from '../../src/tasks/briefs/task.js';
import { openFileTask } from '../../src/tasks/file/task.js';
import { openModel } from '../../src/writers/text-model.js';
import writeTinyModels from '../helpers/tiny-models.js';
import { scratchFolder } from '../store/folder.js';

const dir = scratchFolder();
const models = join(dir, 'models');
const [base, instruct] = [join(models, 'base'), join(models, 'instruct')];
const options: LoopOptions = {
  task: 'briefs',
  data: null,
  base,
  refiner: instruct,
  critic: instruct,
  judge: instruct,
  feedback: null,
  contexts: 4,
  heldout: 2,
  samples: 3,
  rounds: 1,
  roundMode: 'continue',
  targets: 'ilf',
  ranker: 'longest',
  host: 'transformers',
  rewardModel: null,
  humanLikeness: null,
  seed: 5,
  engine: 'cpu',
  precision: 'float32',
  temperature: 1,
  topP: 0.95,
  maxTokens: 6,
  lr: 1e-2,
  epochs: 1,
  batch: 2,
  promptWeight: 0.05,
  beta: 0.1,
};

/** Runs the loop. @returns the steps it made, and what it found */
async function run(
  name: string,
  other: Partial<LoopOptions>,
  task = briefs,
): Promise<{ steps: string[]; outcome: Outcome }> {
  const steps: string[] = [];
  const reporter = { progress: () => {}, scalar: () => {}, done: (step: string) => steps.push(step) };
  const place = { dir: join(dir, name), fresh: false, version: '0' };
  const run = await openRunContext(task, { ...options, ...other }, place, reporter);
  try {
    return { steps, outcome: await loop(run) };
  } finally {
    await run.close();
  }
}

const bytes = (...path: string[]) => readFileSync(join(dir, ...path)).toString('latin1');
const weights = (...folder: string[]) => bytes(...folder, 'finetuned', 'model.safetensors');

beforeAll(() => writeTinyModels(models), 60_000);

const kinds = targetKinds.map(({ name }) => name);

describe('targets', () => {
  const needs: Record<string, string[]> = {
    ilf: ['initial', 'feedback', 'refinements', 'scores'],
    initial: ['initial'],
    gold: [],
    'no-feedback': ['initial', 'no-feedback'],
    'shuffled-feedback': ['initial', 'feedback', 'shuffled-feedback'],
    'feedback-refinement': ['initial', 'feedback', 'refinements', 'scores'],
    posterior: ['initial', 'feedback', 'refinements', 'scores'],
  };
  const after = ['targets', 'finetuned', 'outputs', 'kl', 'measures'];

  it.each(kinds)('%s: the tables that they are made from, and no others', async (targets) => {
    const { steps, outcome } = await run(targets, { targets });
    const made = steps.filter((step) => step.startsWith('round-1/')).map((step) => step.slice(8));
    expect(made).toEqual(['contexts', ...needs[targets]!, ...after]);
    const rows = await readTable(join(dir, targets, 'round-1', 'targets.arrow'), targetsTable);
    const weight = rows.reduce((sum, row) => sum + row.weight, 0);
    expect(weight).toBeCloseTo(new Set(rows.map(({ context }) => context)).size, 12);
    expect(rows.length).toBeGreaterThan(0);
    expect('posterior' in outcome.document).toBe(needs[targets]!.includes('scores'));
    expect(outcome.document).toMatchObject({ ranker: 'longest', options: { targets } });
  });

  it('lead to different models', () => {
    expect(new Set(kinds.map((targets) => weights(targets, 'round-1'))).size).toBe(kinds.length);
  });

  it('in which feedback comes first leave room for it, and it is no part of the output', async () => {
    const folder = join(dir, 'feedback-refinement', 'round-1');
    const learned = await readTable(join(folder, 'targets.arrow'), targetsTable);
    for (const { text } of learned) expect(text).toMatch(/^[A-Z].* New summary: /);
    const kl = await readTable(join(folder, 'kl.arrow'), klTable);
    const longest = Math.max(...kl.map(({ ids }) => ids.length));
    expect(longest).toBeGreaterThan(options.maxTokens);
    expect(longest).toBeLessThanOrEqual(options.maxTokens + 64);
    // A model that has learned it by heart.
    const heart = { targets: 'feedback-refinement', epochs: 60, temperature: 0.05, rounds: 2 } as const;
    await run('by-heart', heart);
    for (const table of ['round-1/outputs', 'round-2/initial']) {
      const outputs = await readTable(join(dir, 'by-heart', `${table}.arrow`), initialTable);
      for (const { text } of outputs) expect(text).not.toContain('New summary');
    }
    const written = await readTable(join(dir, 'by-heart', 'round-1', 'kl.arrow'), klTable);
    const { tokenizer, lm } = await openModel(base);
    lm.dispose();
    const tuned = written.filter(({ direction }) => direction === 'tunedFromBase');
    expect(tuned.some(({ ids }) => tokenizer.decode(ids).includes('New summary:'))).toBe(true);
  });
});

describe('two rounds', () => {
  const set = async (name: string, k: number): Promise<Target[]> => {
    const table = (of: string) => join(dir, name, `round-${k}`, `${of}.arrow`);
    const contexts = (await readTable(table('contexts'), contextsTable)).map(fromContextRow);
    return fromTargetRows(await readTable(table('targets'), targetsTable), contexts);
  };
  /** What finetuning alone makes of some targets. */
  const tuned = async (from: string, targets: Target[], name: string) => {
    const seed = stepSeed(options.seed, 'round-2', 'finetune');
    const how = { task: briefs, targets, tuning: tuningOf(options), seed };
    await finetune(from, how, join(dir, name, 'finetuned'), () => {});
    return weights(name);
  };

  it.each(['continue', 'retrain'] as const)('%s', async (roundMode) => {
    const { outcome } = await run(roundMode, { rounds: 2, roundMode });
    const [first, second] = [await set(roundMode, 1), await set(roundMode, 2)];
    expect(new Set([...first, ...second].map(({ context }) => context.id)).size).toBe(8);
    const own = join(dir, roundMode, 'round-1', 'finetuned');
    const made =
      roundMode === 'continue'
        ? await tuned(own, second, `${roundMode}-alone`)
        : await tuned(base, [...first, ...second], `${roundMode}-alone`);
    expect(weights(roundMode, 'round-2') === made).toBe(true);
    const { rounds } = outcome.report;
    expect(rounds.slice(1).map(({ contexts }) => contexts)).toEqual(
      roundMode === 'continue' ? [4, 4] : [4, 8],
    );
  });

  it('are alike up to the second finetuning: x0 is what the newest model writes', () => {
    const files = ['round-1/targets.arrow', 'round-1/finetuned/model.safetensors', 'round-2/targets.arrow'];
    for (const file of files) expect(bytes('continue', file) === bytes('retrain', file), file).toBe(true);
    expect(weights('continue', 'round-2')).not.toBe(weights('retrain', 'round-2'));
  });
});

describe('own data', () => {
  it('are judged by InstructRM, whatever picks, and may be learned from by their references', async () => {
    const data = join(dir, 'own.jsonl');
    const lines = Array.from({ length: 10 }, (_, i) => ({
      context: `Dana left on day ${i}.`,
      gold: `Day ${i}.`,
    }));
    writeFileSync(data, lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
    const task = await openFileTask(data);
    const { steps, outcome } = await run('own', { task: 'file', data, targets: 'gold' }, task);
    const texts = await readTable(join(dir, 'own', 'round-1', 'targets.arrow'), targetsTable);
    for (const { text } of texts) expect(text).toMatch(/^Day \d\.$/);
    expect(steps).toEqual(expect.arrayContaining(['heldout/scores', 'heldout/refinements-judged']));
    const { rankerScore, judgeProbability } = outcome.report.measures;
    expect(outcome.document).toMatchObject({ judge: 'InstructRM (no independent judge)', ranker: 'longest' });
    // Probabilities, not lengths.
    for (const { value } of [...Object.values(rankerScore!), ...Object.values(judgeProbability!)])
      expect(Math.abs(value)).toBeLessThan(1);
    const judged = await run(
      'own-judge',
      { task: 'file', data, targets: 'gold', ranker: 'instruct-rm' },
      task,
    );
    expect(judged.steps).not.toContain('heldout/refinements-judged');
    expect(judged.outcome.document).toMatchObject({
      judge: 'InstructRM, the ranker itself (no independent judge)',
      rankerScore,
      judgeProbability,
    });
  });
});

describe('a ranker', () => {
  it('picks by its own scores, the same ones for the same seed', async () => {
    const ranked = async (name: string, other: Partial<LoopOptions>) => {
      await run(name, other);
      return [bytes(name, 'round-1/scores.arrow'), bytes(name, 'round-1/targets.arrow')];
    };
    const [scores, targets] = await ranked('random', { ranker: 'random' });
    expect(bytes('random', 'round-1/refinements.arrow')).toBe(bytes('ilf', 'round-1/refinements.arrow'));
    expect(scores).not.toBe(bytes('ilf', 'round-1/scores.arrow'));
    expect(await ranked('random-again', { ranker: 'random' })).toEqual([scores, targets]);
    const refinements = await readTable(join(dir, 'ilf', 'round-1', 'refinements.arrow'), refinementsTable);
    const longest = Math.max(...refinements.slice(0, 3).map(({ text }) => [...text].length));
    const [learned] = await readTable(join(dir, 'ilf', 'round-1', 'targets.arrow'), targetsTable);
    expect([...learned!.text].length).toBe(longest);
  });

  it('that is a trained model needs its folder, and InstructRM runs on the engine too', async () => {
    await expect(run('none', { ranker: 'reward-model' })).rejects.toThrow(/--reward-model DIR/);
    const hosted = await run('hosted', { ranker: 'instruct-rm-2', host: 'engine' });
    expect(hosted.outcome.document).toMatchObject({ ranker: 'instruct-rm-2', posterior: { beta: 0.1 } });
  });
});
