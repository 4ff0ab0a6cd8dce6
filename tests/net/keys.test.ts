// What a changed option or model makes again, and what it leaves alone: a finished run, gone on with under another option.
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, it, vi } from 'vitest';
import { loop } from '../../src/ilf/loop.js';
import { openRunContext } from '../../src/ilf/open.js';
import { saveLM } from '../../src/lm/files.js';
import type { LoopOptions } from '../../src/pipeline/options.js';
import { openFileTask } from '../../src/tasks/file/task.js';
import { openModel } from '../../src/writers/text-model.js';
import writeTinyModels from '../helpers/tiny-models.js';
import { scratchFolder } from '../store/folder.js';

const dir = scratchFolder();
const data = join(dir, 'posts.jsonl');
const model = (name: string) => join(dir, 'models', name);

// Whole runs: a busy machine needs its time.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const options: LoopOptions = {
  task: 'file',
  data,
  base: model('base'),
  refiner: model('refiner'),
  critic: model('critic'),
  judge: model('judge'),
  feedback: null,
  contexts: 3,
  heldout: 3,
  samples: 3,
  rounds: 1,
  roundMode: 'continue',
  targets: 'posterior',
  ranker: 'instruct-rm-1',
  host: 'engine',
  rewardModel: null,
  humanLikeness: null,
  seed: 5,
  engine: 'cpu',
  precision: 'float32',
  temperature: 1,
  topP: 0.95,
  maxTokens: 12,
  lr: 1e-2,
  epochs: 1,
  batch: 2,
  promptWeight: 0.05,
  // So that scores outweigh what such models think of each other's texts.
  beta: 1000,
};

/** Steps that were made, of a run in the folder `name`, on the contexts of the file `from`. */
async function run(name: string, other: Partial<LoopOptions> = {}, from = data): Promise<string[]> {
  const made: string[] = [];
  const reporter = {
    progress: () => {},
    scalar: () => {},
    done: (step: string, anew: boolean) => anew && made.push(step),
  };
  const place = { dir: join(dir, name), fresh: false, version: '0' };
  const context = await openRunContext(await openFileTask(from), { ...options, ...other }, place, reporter);
  await loop(context).finally(() => context.close());
  return made;
}

const lines = Array.from({ length: 20 }, (_, i) => ({
  context: `Dana left on day ${i}.`,
  gold: `Day ${i}.`,
}));
const written = (name: string, of: object[]) => {
  const path = join(dir, name);
  writeFileSync(path, of.map((line) => `${JSON.stringify(line)}\n`).join(''));
  return path;
};

beforeAll(async () => {
  await writeTinyModels(join(dir, 'models'));
  // Own data: the critic has to say something, and InstructRM to judge.
  written('posts.jsonl', lines);
  for (const role of ['refiner', 'critic', 'judge'])
    cpSync(model('instruct'), model(role), { recursive: true });
  // Others of the same kind: every distribution is a little flatter.
  for (const [from, name] of [
    ['base', 'other-base'],
    ['instruct', 'other'],
  ] as const) {
    cpSync(model(from), model(name), { recursive: true });
    const { lm } = await openModel(model(from));
    lm.wte.assign(lm.wte.mul(0.75));
    await saveLM(lm, model(name));
    lm.dispose();
  }
  await run('sound');
});

const fileOf = (name: string, step: string) =>
  join(dir, name, step.endsWith('finetuned') ? `${step}/model.safetensors` : `${step}.arrow`);
const bytes = (name: string, step: string) => readFileSync(fileOf(name, step)).toString('latin1');

const both = (...tables: string[]) =>
  ['heldout', 'round-1'].flatMap((at) => tables.map((of) => `${at}/${of}`));
const heldOut = (...tables: string[]) => tables.map((of) => `heldout/${of}`);
const round = (...tables: string[]) => tables.map((of) => `round-1/${of}`);
const contexts = both('contexts');
const first = [...heldOut('outputs', 'initial'), ...round('initial')];
const said = both('feedback');
const refined = [...both('refinements'), ...heldOut('no-feedback', 'shuffled-feedback')];
const ranked = both('scores');
const learned = round('targets', 'finetuned');
const measured = round('outputs', 'kl', 'measures');
const judged = [...heldOut('outputs', 'no-feedback', 'shuffled-feedback'), ...round('outputs')].map(
  (of) => `${of}-judged`,
);

type Case = [name: string, other: Partial<LoopOptions>, again: string[], not: string[]];
const cases: Case[] = [
  ['nothing', {}, [], [...first, ...said, ...refined, ...ranked, ...learned, ...measured]],
  [
    'another π_0',
    { base: model('other-base') },
    [...first, ...said, ...refined, ...ranked, ...learned, ...measured],
    contexts,
  ],
  ['another critic', { critic: model('other') }, [...said, ...both('refinements')], [...contexts, ...first]],
  ['another refiner', { refiner: model('other') }, [...refined, ...ranked], [...first, ...said]],
  [
    'another judge',
    { judge: model('other') },
    [...ranked, ...judged, ...learned, ...measured],
    [...said, ...refined],
  ],
  ['another seed', { seed: 6 }, [...first, ...said, ...refined, ...learned, ...measured], contexts],
  [
    'another temperature',
    { temperature: 0.5 },
    [...first, ...said, ...refined, ...round('outputs')],
    contexts,
  ],
  ['another nucleus', { topP: 0.5 }, [...first, ...said, ...refined, ...round('outputs')], contexts],
  ['longer outputs', { maxTokens: 20 }, [...first, ...refined, ...measured], contexts],
  ['more refinements', { samples: 4 }, [...refined, ...ranked, ...round('measures')], [...first, ...said]],
  ['another ranker', { ranker: 'longest' }, [...ranked, ...learned, ...measured], [...said, ...refined]],
  ['another prompt of it', { ranker: 'instruct-rm-2' }, ranked, [...said, ...refined]],
  ['another β', { beta: 1 }, [...learned, ...measured], [...refined, ...ranked]],
  ['other targets', { targets: 'initial' }, [...learned, ...measured], [...refined, ...ranked]],
  ['another learning rate', { lr: 1e-3 }, [...round('finetuned'), ...measured], round('targets')],
  ['more epochs', { epochs: 2 }, [...round('finetuned'), ...measured], round('targets')],
  ['another batch', { batch: 1 }, [...round('finetuned'), ...measured], round('targets')],
  ['another prompt weight', { promptWeight: 1 }, [...round('finetuned'), ...measured], round('targets')],
  [
    'more to measure on',
    { heldout: 4 },
    [...heldOut('contexts', 'outputs', 'refinements'), ...measured],
    learned,
  ],
];

it.each(cases)('%s', async (name, other, again, not) => {
  cpSync(join(dir, 'sound'), join(dir, name), { recursive: true });
  const made = await run(name, other);
  expect(made).toEqual(expect.arrayContaining(again));
  expect(made.filter((step) => not.includes(step))).toEqual([]);
  // Made again, and by what is new: other bytes.
  for (const step of again) expect(bytes(name, step) === bytes('sound', step), step).toBe(false);
});

it.each([
  ['another precision', { precision: 'bfloat16' }],
  ['another engine', { engine: 'wasm' }],
])('%s: all that a model computes, and nothing else', async (name, other) => {
  cpSync(join(dir, 'sound'), join(dir, name), { recursive: true });
  const made = await run(name, other);
  const computed = [...first, ...said, ...refined, ...ranked, ...round('finetuned', 'outputs', 'kl')];
  expect(made).toEqual(expect.arrayContaining(computed));
  expect(made.filter((step) => contexts.includes(step))).toEqual([]);
});

it('a reference of two lines where all had one: all that is written in other lines, on both sides', async () => {
  cpSync(join(dir, 'sound'), join(dir, 'lines'), { recursive: true });
  // One of the contexts that are learned from.
  const { contexts: of } = await openFileTask(data);
  const learnedFrom = of('ilf', 0, 1)[0]!.text;
  const changed = lines.map((line) =>
    line.context === learnedFrom ? { ...line, gold: `${line.gold}\nIn May.` } : line,
  );
  const made = await run('lines', {}, written('lines.jsonl', changed));
  expect(made).toEqual(expect.arrayContaining([...heldOut('outputs'), ...refined, ...round('outputs')]));
});

it('what people said of given outputs stays, whatever models think of these', async () => {
  const given = written(
    'given.jsonl',
    lines.map((line, i) => ({ ...line, output: `Out ${i}.`, feedback: `Say the day ${i}.` })),
  );
  await run('given', {}, given);
  const made = await run('given', { base: model('other-base'), precision: 'bfloat16' }, given);
  expect(made).toEqual(expect.arrayContaining([...heldOut('initial'), ...round('initial', 'refinements')]));
  expect(made.filter((step) => said.includes(step))).toEqual([]);

  const { contexts: of } = await openFileTask(given);
  const learnedFrom = of('ilf', 0, 1)[0]!;
  const other = lines.map((line, i) => ({
    ...{ ...line, output: `Out ${i}.`, feedback: `Say the day ${i}.` },
    ...(line.context === learnedFrom.text && { feedback: 'Say why.' }),
  }));
  expect(await run('given', { base: model('other-base') }, written('other.jsonl', other))).toContain(
    'round-1/feedback',
  );
});
