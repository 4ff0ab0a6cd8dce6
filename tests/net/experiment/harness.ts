/**
 * One place for all that these tests know of the program: what is mocked, and the world that the studies get. Models, rankers and
 * rewards are scripted (fake-lm.ts); steps, tables, measures and the run folder are the program's own.
 */
import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { expect, vi } from 'vitest';
import { reinforce as reinforceOf } from '../../../src/baselines/rloo.js';
import { openData as openDataOf } from '../../../src/experiment/data.js';
import { experiment as experimentOf } from '../../../src/experiment/experiment.js';
import { estimatesTable } from '../../../src/experiment/page/report.js';
import { full, quick, type Scale } from '../../../src/experiment/scale.js';
import { studies } from '../../../src/experiment/studies/index.js';
import type { StudyContext as World } from '../../../src/experiment/study-context.js';
import { measuredValue } from '../../../src/experiment/value.js';
import { heldOutTexts as heldOutTextsOf } from '../../../src/ilf/heldout.js';
import { ModelCache } from '../../../src/pipeline/model-cache.js';
import { type LoopOptions, rankerOptionsOf } from '../../../src/pipeline/options.js';
import type { RunContext } from '../../../src/pipeline/run-context.js';
import { openRun } from '../../../src/store/run.js';
import { readTable, type TableSchema } from '../../../src/store/tables.js';
import { prompts } from '../../../src/tasks/summarization.js';
import type { ToCheck, ToScore } from '../../../src/tasks/task.js';
import { oneLine } from '../../../src/tasks/text-format.js';
import { openModel } from '../../../src/writers/text-model.js';
import { scratchFolder } from '../../store/folder.js';
import { type FakeLM, fakeRanker, forget, seen } from './fake-lm.js';

vi.mock('../../../src/lm/sample.js', async (original) => ({
  ...(await original<object>()),
  ...(await import('./fake-lm.js')).sampleModule,
}));
vi.mock('../../../src/lm/score.js', async (original) => ({
  ...(await original<object>()),
  ...(await import('./fake-lm.js')).scoreModule,
}));
vi.mock('../../../src/lm/compare.js', async (original) => ({
  ...(await original<object>()),
  ...(await import('./fake-lm.js')).compareModule,
}));
vi.mock('../../../src/lm/files.js', async (original) => ({
  ...(await original<object>()),
  ...(await import('./fake-lm.js')).filesModule,
}));
vi.mock('../../../src/lm/train.js', async (original) => ({
  ...(await original<object>()),
  ...(await import('./fake-lm.js')).trainModule,
}));
vi.mock('../../../src/lm/preference.js', async (original) => ({
  ...(await original<object>()),
  ...(await import('./fake-lm.js')).preferenceModule,
}));
vi.mock('../../../src/lm/model.js', async (original) => ({
  ...(await original<object>()),
  ...(await import('./fake-lm.js')).modelModule,
}));
vi.mock('../../../src/pretrain/phase.js', async (original) => ({
  ...(await original<object>()),
  ...(await import('./fake-lm.js')).phaseModule,
}));
vi.mock('../../../src/text/tokenizer.js', async (original) => ({
  ...(await original<object>()),
  ...(await import('./fake-lm.js')).tokenizerModule,
}));
vi.mock('../../../src/rankers/registry.js', async (original) =>
  (await import('./fake-lm.js')).rankersModule(await original()),
);
vi.mock('../../../src/rankers/answer-model/answers.js', async (original) => ({
  ...(await original<object>()),
  ...(await import('./fake-lm.js')).answersModule,
}));
// What it asks of the models, no study does: tests/measure/familiarity.test.ts.
// The models' config.json say nothing.
vi.mock('../../../src/pipeline/too-long.js', async (original) => ({
  ...(await original<typeof import('../../../src/pipeline/too-long.js')>()),
  openReader: async (dir: string) => {
    const { loadTokenizer } = await import('../../../src/text/tokenizer.js');
    return { dir, tokenizer: await loadTokenizer(dir), window: 1_000_000 };
  },
}));
vi.mock('../../../src/measure/familiarity.js', () => ({ familiarityStep: async () => [] }));

export type { World };

/** What every reader of a study's values sees. */
export interface Value {
  arm: string;
  measure: string;
  context: string;
  value: number;
}

/** The columns of values.arrow that this is in. */
const columns = {
  seed: 'int32',
  study: 'utf8',
  arm: 'utf8',
  measure: 'utf8',
  context: 'utf8',
  value: 'float64',
} as const satisfies TableSchema;
export const scales = { full, quick };

const dir = scratchFolder();

// Nobody pulls the plug here: writes need not wait for the disk, which they would hundreds of times.
const file = await open(join(dir, 'file'), 'w');
Object.getPrototypeOf(file).sync = async () => {};
await file.close();

let places = 0;

function write(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

/** Folders of the two models, and what stands for their weights. */
function modelsIn(at: string, weights: Scripted['weights'] = {}): { base: string; instruct: string } {
  const folders = { base: join(at, 'models/base'), instruct: join(at, 'models/instruct') };
  for (const name of ['base', 'instruct'] as const)
    for (const file of ['config.json', 'model.safetensors', 'tokenizer.json'])
      write(join(folders[name], file), file === 'model.safetensors' ? (weights[name] ?? name) : '{}');
  return folders;
}

/** The held-out contexts that the literals are about, and those to learn from. */
export const HELD_OUT = [0, 1, 2] as const;
export const LEARNED = [0, 1, 2, 3, 4] as const;

const idOf = (split: string, i: number) => `${split}-${i}`;
const contextOf = (split: string, i: number) => {
  const id = idOf(split, i);
  return { id, text: `post of ${id}`, gold: `${id}: gold` };
};

/** A world's own words. All take what they are given as it is and write down what that was. */
const task = {
  name: 'scripted',
  about: 'texts that say what they were made from',
  words: { context: 'post', contexts: 'posts', output: 'summary', outputs: 'summaries' },
  prompts,
  format: { output: oneLine, feedback: oneLine },
  size: () => Number.POSITIVE_INFINITY,
  contexts: (split: 'ilf' | 'heldout', from: number, n: number) =>
    Array.from({ length: n }, (_, i) => contextOf(split, from + i)),
  annotate: ({ id }: { id: string }, output: string) => ({
    text: `${id}: feedback on [${output}]`,
    points: [`points of ${id}`],
  }),
  /** The first of two outputs is preferred, but of every third context the second. */
  prefers: ({ id }: { id: string }) => Number(id.split('-')[1]) % 3 !== 0,
  written: ({ id }: { id: string }) => `${id}: by a person`,
  refined: ({ id }: { id: string }, output: string, annotation: { text: string; points?: unknown }): string =>
    `${id}: written for ${JSON.stringify([output, annotation.text, annotation.points])}`,
};

/** Texts in tables that nobody sampled: there are no ids. */
const unsampled = { ids: [] as number[], tokenizer: '' };

/** Rows of `k` texts for each context. */
const texts = (ids: readonly string[], kind: string, k: number) =>
  ids.flatMap((context) =>
    Array.from({ length: k }, (_, candidate) => ({
      context,
      candidate,
      text: `${context}: ${kind} ${candidate}`,
      ...unsampled,
    })),
  );

/** Which of the three refinements of each held-out context, and of each one to learn from, InstructRM picked. */
export const PICKED = { heldout: [2, 0, 1], ilf: [1, 2, 0, 1, 2] } as const;

const scoresOf = (ids: readonly string[], picked: readonly number[], of: readonly number[]) =>
  ids.flatMap((context, i) =>
    [0, 1, 2].map((candidate) => ({
      context,
      candidate,
      per_prompt: [],
      mean: of[(candidate + 3 - picked[i]!) % 3]!,
      selected: candidate === picked[i],
    })),
  );

/**
 * Of the texts to learn from, from the picked one on: R = ln 4, ln 2, 0; ln π_0 = −1, −1, −1 − ln 2; ln q = −2, −2 − ln 2, −2.
 */
const LOGS = {
  score: [Math.log(4), Math.log(2), 0],
  base: [-1, -1, -1 - Math.log(2)],
  refiner: [-2, -2 - Math.log(2), -2],
};

const heldOutIds = HELD_OUT.map((i) => idOf('heldout', i));
const learnedIds = LEARNED.map((i) => idOf('ilf', i));
const one = (ids: readonly string[], text: (id: string) => string) =>
  ids.map((context) => ({ context, text: text(context), ...unsampled, logprob: -3, sampled: true }));
const told = (ids: readonly string[]) =>
  ids.map((context) => ({
    context,
    text: `${context}: feedback`,
    source: 'scripted',
    points: JSON.stringify([`points of ${context}`]),
  }));
const withLogs = (kind: string) =>
  texts(learnedIds, kind, 3).map((row) => {
    const place = (row.candidate + 3 - PICKED.ilf[learnedIds.indexOf(row.context)]!) % 3;
    return { ...row, logprob_base: LOGS.base[place]!, logprob_refiner: LOGS.refiner[place]! };
  });

const heldOut = () => ({
  contexts: HELD_OUT.map((i) => contextOf('heldout', i)),
  base: one(heldOutIds, (id) => `${id}: before`),
  initial: one(heldOutIds, (id) => `${id}: given`),
  feedback: told(heldOutIds),
  refinements: texts(heldOutIds, 'own', 3),
  noFeedback: texts(heldOutIds, 'none', 2),
  shuffledFeedback: texts(heldOutIds, 'other', 2),
  scores: scoresOf(heldOutIds, PICKED.heldout, [0.9, 0.5, 0.1]),
});

const data = () => ({
  contexts: LEARNED.map((i) => contextOf('ilf', i)),
  initial: one(learnedIds, (id) => `${id}: x0`),
  feedback: told(learnedIds),
  refinements: withLogs('own'),
  noFeedback: withLogs('none'),
  shuffledFeedback: withLogs('other'),
  scores: scoresOf(learnedIds, PICKED.ilf, LOGS.score),
});

/** Small: every number another, so that none stands for another. */
const scale: Scale = {
  heldout: 3,
  heldoutFrom: 0,
  texts: 2,
  sizes: [2, 5],
  usual: 4,
  comparisons: [2, 3],
  comparisonsHeldOut: 4,
  bestOf: 4,
  bestOfContexts: 2,
  betas: [2, 0.5, 0.25],
  rlSteps: 2,
  unconditional: 2,
  posterior: 2,
  calibration: 2,
  rounds: 2,
  ladder: { rungs: [0, 2], steps: 7 },
  places: { compared: ['ilf', 100], comparedHeldOut: ['ilf', 400], calibrated: null },
};

const loop = {
  task: 'briefs',
  data: null,
  feedback: null,
  samples: 2,
  rounds: 1,
  roundMode: 'continue',
  targets: 'ilf',
  ranker: 'instruct-rm',
  host: 'engine',
  rewardModel: null,
  humanLikeness: null,
  engine: 'none',
  precision: 'float32',
  temperature: 0.7,
  topP: 0.9,
  maxTokens: 40,
  lr: 0.001,
  epochs: 1,
  batch: 1,
  promptWeight: 0.25,
  beta: 1,
} as const;

export interface Scripted {
  scale?: Partial<Scale>;
  options?: Partial<LoopOptions>;
  seed?: number;
  /** Of a text of held-out context number i, without the context's name; of none, whatever is scored fails. */
  score?: (text: string, i: number) => number;
  /** Share of the context's points that a text settles; null: nobody can say. */
  settles?: ((text: string, i: number) => number) | null;
  follows?: (text: string, context: string) => boolean;
  withoutWriters?: boolean;
  /** The place of an earlier world, to go on there. */
  place?: string;
  /** Of the models' weights. */
  weights?: { base?: string; instruct?: string };
}

/** A text without its context's name, which must be there. */
export function tagOf(context: { id: string }, text: string): string {
  if (!text.startsWith(`${context.id}: `)) throw new Error(`"${text}" is not of ${context.id}`);
  return text.slice(context.id.length + 2);
}

const numberOf = ({ id }: { id: string }) => Number(id.split('-')[1]);

export interface Opened {
  world: World;
  place: string;
  /** What was shown of trainings: [tag, step, value]. */
  scalars: [string, number, number][];
  close(): Promise<void>;
}

/** A world in a run folder of its own. What was seen before is forgotten. */
export async function openScripted(of: Scripted = {}): Promise<Opened> {
  forget();
  const place = of.place ?? join(dir, String(places++));
  const { base, instruct } = modelsIn(place, of.weights);
  const sized = { ...scale, ...of.scale };
  const options = {
    ...loop,
    base,
    refiner: instruct,
    critic: instruct,
    judge: instruct,
    contexts: sized.sizes.at(-1)!,
    heldout: sized.heldout,
    seed: of.seed ?? 1,
    ...of.options,
  } as LoopOptions;
  const folder = await openRun(join(place, 'run'), {
    version: '0',
    options: {},
    seeds: { seed: options.seed },
  });
  const literal = { heldOut: heldOut(), data: data() };
  // The steps look at these files, since they are made from them; what is in them nobody reads.
  for (const [folder, tables] of Object.entries({ heldout: literal.heldOut, data: literal.data }))
    for (const [name, rows] of Object.entries(tables)) {
      const file = { base: 'outputs', noFeedback: 'no-feedback', shuffledFeedback: 'shuffled-feedback' }[
        name
      ];
      write(join(place, 'run', folder, `${file ?? name}.arrow`), JSON.stringify(rows));
    }
  const models = new ModelCache();
  const scalars: Opened['scalars'] = [];
  const { refined, ...others } = task;
  const run = {
    options,
    task: {
      ...others,
      ...(!of.withoutWriters && { refined }),
      ...(of.follows && {
        follows: ({ id }: { id: string }, annotation: { text: string; points: string[] }, text: string) => {
          if (!annotation.text.startsWith(`${id}: `) || annotation.points[0] !== `points of ${id}`)
            throw new Error('feedback on another context');
          return of.follows!(tagOf({ id }, text), id);
        },
      }),
    },
    folder,
    models,
    ranker: async (name: string) => fakeRanker(name, { ...rankerOptionsOf(task, options) }),
    reporter: {
      progress: () => {},
      scalar: (...at: [string, number, number]) => void scalars.push(at),
      done: () => {},
    },
    close: async () => {},
  } as unknown as RunContext;
  const score = of.score ?? (() => expect.unreachable('nothing is scored here'));
  const scorer = {
    unit: 'made up',
    score: async (items: readonly ToScore[]) =>
      items.map(({ context, text }) => score(tagOf(context, text), numberOf(context))),
  };
  const { settles = null } = of;
  const oracle = settles && {
    ...scorer,
    feedback: {
      incorporated: async (items: readonly ToCheck[]) =>
        items.map(({ context, text, points }) => {
          if ((points as string[])[0] !== `points of ${context.id}`)
            throw new Error('points of another context');
          return settles(tagOf(context, text), numberOf(context));
        }),
      byKind: async (items: readonly ToCheck[]) => items.map(() => []),
    },
  };
  const world = { run, scale: sized, scorer, oracle, ...literal } as unknown as World;
  const close = async () => {
    await models.close();
    folder.close();
  };
  return { world, place, scalars, close };
}

/** A study's values in such a world, which leaves no model open. */
export async function valuesOf(study: string, of: Scripted = {}): Promise<{ values: Value[] } & Opened> {
  const opened = await openScripted(of);
  let values: Value[];
  try {
    values = await studies.find(({ name }) => name === study)!.valuesIn(opened.world);
  } finally {
    await opened.close();
  }
  expect(seen.loaded.filter(({ disposed }) => !disposed).map(({ role }) => role)).toEqual([]);
  // π_0, π_ψ, and one that is being tuned or measured; of rounds also what wrote each second round's outputs.
  expect(seen.mostOpen).toBeLessThanOrEqual(study === 'rounds' ? 5 : 3);
  return { values, ...opened };
}

/** Another place with all that is in this one. */
export function copyOf(place: string): string {
  const copy = join(dir, String(places++));
  cpSync(place, copy, { recursive: true });
  return copy;
}

/** The values of all studies, or of all but some, in one such world, where they go on from each other's steps. */
export async function valuesOfAll(
  of: Scripted,
  without: readonly string[] = [],
): Promise<Value[] & { place: string }> {
  const opened = await openScripted(of);
  try {
    const values: Value[] = [];
    for (const study of studies.filter(({ name }) => !without.includes(name)))
      for (const value of await study.valuesIn(opened.world))
        values.push({ ...value, arm: `${study.name}: ${value.arm}` });
    return Object.assign(values, { place: opened.place });
  } finally {
    await opened.close();
  }
}

export const openData = ({ world }: Opened, n: number) => openDataOf(world.run, n);
export const openHeldOut = ({ world }: Opened, n: number, from: number) => heldOutTextsOf(world.run, n, from);

/** RL alone, on contexts to learn from, with rewards that are asked for by post and text. */
export async function reinforce(
  { world, place }: Opened,
  n: number,
  options: { beta: number; prompts: number; samples: number; steps: number; lr: number; maxTokens: number },
  reward: (post: string, text: string) => number,
  seed: number,
) {
  const base = await openModel(world.run.options.base);
  const items: { post: string; text: string }[] = [];
  const reward1 = {
    key: 'scripted',
    score: async (of: readonly { context: string; text: string }[]) => {
      items.push(...of.map(({ context: post, text }) => ({ post, text })));
      return of.map(({ context, text }) => reward(context, text));
    },
  };
  const contexts = world.data.contexts.slice(0, n);
  const to = join(place, 'run/alone/rl');
  const of = {
    task: world.run.task,
    theta: world.run.options.base,
    base,
    reward: reward1,
    contexts,
    options,
    seed,
  };
  const log = await reinforceOf(of, to, () => {});
  return { log, rollouts: seen.trained.get('alone')!.rollouts, training: seen.trained.get('alone')!, items };
}

/** A made-up study's value with the fields that choose: its arm is one of its own, its "training…" the course of one. */
const whole = ({ arm, measure, context, value }: Value) =>
  measuredValue(
    { id: arm, label: arm, series: '', x: null },
    { name: measure, kind: measure.startsWith('training') ? 'course' : 'whole', place: '' },
    context,
    value,
  );

/** The experiment itself, on the embedded world or on a person's own lines; `study` makes the values of each seed's world. */
export async function runExperiment(
  study: { name: string; embedded?: true; valuesIn: (world: World) => Promise<Value[]> }[],
  seeds: readonly number[],
  sized: Partial<Scale>,
  lines: readonly { context: string; gold: string }[] | null = null,
) {
  forget();
  const place = join(dir, String(places++));
  const data = lines && join(place, 'letters.jsonl');
  if (data) write(data, lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  const out = join(place, 'run');
  const { instruct, ...models } = modelsIn(place);
  const outcome = await experimentOf(
    {
      dir: out,
      seeds,
      studies: study.map(({ valuesIn, ...of }) => ({
        about: '',
        ...of,
        valuesIn: async (world: World) => (await valuesIn(world)).map(whole),
      })) as never,
      scale: { ...quick, ...sized },
      quick: true,
      command: 'node train.js experiment --made-up',
      loop: {
        ...loop,
        ...models,
        refiner: instruct,
        critic: instruct,
        judge: instruct,
        task: data ? 'file' : 'briefs',
        data,
      },
      version: '1.2.3',
    },
    { progress: () => {}, scalar: () => {}, done: () => {} },
  );
  return {
    ...outcome,
    out,
    values: await readTable(join(out, 'values.arrow'), columns),
    estimates: await readTable(join(out, 'estimates.arrow'), estimatesTable),
  };
}

/** Values as arm → measure → context → value. @throws where one is given twice */
export function nested(values: readonly Value[]): Record<string, Record<string, Record<string, number>>> {
  const arms: Record<string, Record<string, Record<string, number>>> = {};
  for (const { arm, measure, context, value } of values) {
    arms[arm] ??= {};
    arms[arm][measure] ??= {};
    const contexts = arms[arm][measure];
    if (context in contexts) throw new Error(`${arm}, ${measure}, ${context} twice`);
    contexts[context] = value;
  }
  return arms;
}

type Expected = Record<string, Record<string, readonly number[] | Record<string, number>>>;

/** All values and no others; a list is by the held-out contexts in their order. */
export function expectValues(values: readonly Value[], expected: Expected): void {
  const named = Object.fromEntries(
    Object.entries(expected).map(([arm, measures]) => [
      arm,
      Object.fromEntries(
        Object.entries(measures).map(([measure, of]) => [
          measure,
          Object.fromEntries(
            (Array.isArray(of) ? of.map((value, i) => [idOf('heldout', i), value]) : Object.entries(of)).map(
              ([context, value]) => [context, expect.closeTo(value as number, 5)],
            ),
          ),
        ]),
      ),
    ]),
  );
  expect(nested(values)).toEqual(named);
  expect([...new Set(values.map(({ arm }) => arm))]).toEqual(Object.keys(expected));
}

/** Letters of the j-th text, each text longer than the last. */
export const word = (j: number) => 'abcdefghijklmnopqrstuvwxyz'[j]!.repeat(j + 1);

/** A model that is being trained, told from the one it started from. */
export const nameOf = ({ role, step }: FakeLM) => (step === null ? role : `${role} at ${step}`);
