/**
 * Scripted stand-ins for what touches a network: LMs that know their role from their folder ("base", "arms/ilf-4",
 * "rl/beta-2") and answer by role and prompt, rankers and rewards that answer by name, trainings that only write down
 * what they were given. Nothing here imports the program, so nothing here can share its mistakes.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

export interface FakeLM {
  /** Its folder below models/ or the run, or what its training is called. */
  role: string;
  /** What stands in its file. */
  weights: string;
  /** Steps that it was trained for since it was loaded; null: none begun. */
  step: number | null;
  history: Training[];
  disposed: boolean;
  description: { vocab: number; positions: number };
  dispose(): void;
}

/** What a training was given, texts decoded. */
export interface Training {
  start: string;
  seed: unknown;
  epochs: unknown;
  lr: unknown;
  steps: unknown;
  objective: unknown;
  /** Of finetuning: each context's targets; weights of the completion and of the prompt. */
  lessons: { prompt: string; text: string; weight: number; promptWeight: number }[];
  pairs: { chosen: string; rejected: string }[];
  /** Of RL, by step. */
  rollouts: { prompt: string; text: string; advantage: number }[][];
}

/** What a model was asked to write. */
export interface Sampled {
  role: string;
  step: number | null;
  prompts: string[];
  n: number;
  settings: { seed: number; temperature: number; topP: number; topK: number; maxNewTokens: number };
}

export interface Compared {
  logQ: number[];
  logP: number[];
  exact: number[];
}

/** A refinement as a ranker gets it. */
export interface Judged {
  context: string;
  initial: string;
  feedback: string;
  refinement: string;
}

const notScripted = (what: string) => (): never => {
  throw new Error(`not scripted: ${what}`);
};

/** What the fakes answer; a test sets what its study asks. `prompt` and `text` are plain text. */
export const script = {
  /** Text number j on a prompt, the p-th of those asked together. */
  writes: notScripted('writes') as (
    lm: FakeLM,
    prompt: string,
    j: number,
    p: number,
    settings: Sampled['settings'],
  ) => string,
  /** ln p(text and its end | prompt). */
  logprob: notScripted('logprob') as (lm: FakeLM, prompt: string, text: string) => number,
  /** Both models along a text of so many tokens. */
  compare: notScripted('compare') as (
    q: FakeLM,
    p: FakeLM,
    prompt: string,
    text: string,
    tokens: number,
  ) => Compared,
  /** `weights`: what stands in the reward model's file, and in the ranker's, with its seed. */
  reward: notScripted('reward') as (role: string, post: string, text: string, weights: string) => number,
  rank: notScripted('rank') as (
    name: string,
    folders: Record<string, string>,
    of: Judged,
    weights: string,
  ) => number,
  /** Steps of a training on a list. */
  steps: 4,
};

/** What happened, since `forget`. */
export const seen = {
  sampled: [] as Sampled[],
  /** By the folder that it made. */
  trained: new Map<string, Training>(),
  /** Every training, also of what was not kept. */
  trainings: [] as Training[],
  rankers: [] as { name: string; folders: Record<string, string>; opened: Record<string, unknown> }[],
  loaded: [] as FakeLM[],
  /** Models in memory at once. */
  mostOpen: 0,
};

export function forget(): void {
  seen.sampled = [];
  seen.trained = new Map();
  seen.trainings = [];
  seen.rankers = [];
  seen.loaded = [];
  seen.mostOpen = 0;
}

/** "arms/ilf-4" of the folder /…/run/arms/ilf-4/finetuned, written under a temporary name or not. */
export const roleOf = (dir: string): string =>
  dir
    .replace(/^.*?\/(models|run)\//, '')
    .replace(/\.(finetuned|rl|model)\.[\w-]+\.tmp$/, '$1')
    .replace(/\/(finetuned|rl|model)$/, '');

// Tokens: words with the space before them, line breaks, spaces.
const EOS = 0;
const pieces = [''];
const idOf = new Map<string, number>([['', EOS]]);

const encode = (text: string): number[] =>
  (text.match(/ ?[^ \n]+|\n| /g) ?? []).map((piece) => {
    const known = idOf.get(piece);
    if (known !== undefined) return known;
    idOf.set(piece, pieces.length);
    pieces.push(piece);
    return pieces.length - 1;
  });
const decode = (ids: ArrayLike<number>): string => Array.from(ids, (id) => pieces[id]!).join('');

export const tokenId = (piece: string): number => encode(piece)[0]!;

/** "heldout-1" in a text about it; none in one that is about nothing. */
export const contextIn = (text: string): string | undefined => /(?:heldout|ilf|briefs)-\d+/.exec(text)?.[0];

function sameContext(prompt: string, text: string): void {
  if (prompt !== '' && contextIn(prompt) !== contextIn(text))
    throw new Error(`a text of another context: "${text}" after "${prompt}"`);
}

export const tokenizerModule = {
  loadTokenizer: async () => ({
    vocabSize: 5000,
    eos: EOS,
    ends: [EOS],
    begin: [],
    key: 'words',
    encode,
    decode,
  }),
  copyTokenizer: async (_: string, to: string) => writeFile(join(to, 'tokenizer.json'), '{}'),
};

function modelOf(role: string, weights = ''): FakeLM {
  const lm: FakeLM = {
    role,
    weights,
    step: null,
    history: [],
    disposed: false,
    description: { vocab: 6000, positions: 4096 },
    dispose: () => {
      lm.disposed = true;
    },
  };
  seen.loaded.push(lm);
  seen.mostOpen = Math.max(seen.mostOpen, seen.loaded.filter(({ disposed }) => !disposed).length);
  return lm;
}

const weightsIn = (dir: string) => readFile(join(dir, 'model.safetensors'), 'utf8');

export const filesModule = {
  loadLM: async (dir: string) => modelOf(roleOf(dir), await weightsIn(dir)),
  saveLM: async (lm: FakeLM, dir: string) => {
    await mkdir(dir, { recursive: true });
    const last = lm.history.at(-1);
    if (last) seen.trained.set(roleOf(dir), last);
    await writeFile(join(dir, 'config.json'), '{}');
    await writeFile(join(dir, 'model.safetensors'), JSON.stringify([roleOf(dir), lm.weights, lm.history]));
  },
};

const alive = (lm: FakeLM): FakeLM => {
  if (lm.disposed) throw new Error(`${lm.role} was closed before`);
  return lm;
};

export const sampleModule = {
  sample: async (lm: FakeLM, prompts: number[][], n: number, settings: Sampled['settings']) => {
    const { role, step } = alive(lm);
    const texts = prompts.map(decode);
    seen.sampled.push({ role, step, prompts: texts, n, settings: { ...settings } });
    return texts.map((prompt, p) =>
      Array.from({ length: n }, (_, j) => {
        const text = script.writes(lm, prompt, j, p, settings);
        sameContext(prompt, text);
        const ids = [...encode(` ${text}`), EOS];
        return { ids, logprobs: ids.map(() => Number.NaN), finished: true };
      }),
    );
  },
};

interface Item {
  prompt: number[];
  completion: number[];
}

const textOf = (ids: ArrayLike<number>) => decode(ids).trim();

export const scoreModule = {
  scoreCompletions: async (lm: FakeLM, items: Item[]) =>
    items.map(({ prompt, completion }) => {
      alive(lm);
      const [before, text] = [decode(prompt), textOf(completion)];
      sameContext(before, text);
      // A quarter of a nat each, and the rest at the end.
      const logprobs = new Float32Array(completion.length).fill(-0.25);
      logprobs[completion.length - 1] = script.logprob(lm, before, text) + 0.25 * (completion.length - 1);
      return logprobs;
    }),
};

export const compareModule = {
  compareCompletions: async (q: FakeLM, p: FakeLM, items: Item[]) =>
    items.map(({ prompt, completion }) => {
      const [before, text] = [decode(prompt), textOf(completion)];
      sameContext(before, text);
      const of = script.compare(alive(q), alive(p), before, text, completion.length);
      for (const values of Object.values(of))
        if (values.length !== completion.length) throw new Error('script: not a number for each token');
      return {
        logQ: Float32Array.from(of.logQ),
        logP: Float32Array.from(of.logP),
        exact: Float32Array.from(of.exact),
      };
    }),
};

interface Example {
  ids: number[];
  weights: number[];
}
interface Given extends Partial<Item> {
  examples?: Example[];
  chosen?: number[];
  rejected?: number[];
  advantage?: number;
}

const SUMMARY = '\nSummary:';

/** Prompt and completion of an example: the prompt's last word is "Summary:". */
function lessonOf({ ids, weights }: Example): Training['lessons'][number] {
  const at = ids.findIndex((_, t) => decode(ids.slice(0, t)).endsWith(SUMMARY));
  const [before, after] = [weights.slice(0, at), weights.slice(at)];
  const one = (of: number[]) => (of.every((w) => w === of[0]) ? of[0]! : Number.NaN);
  if (ids.at(-1) !== EOS) throw new Error('an example without its end');
  return {
    prompt: decode(ids.slice(0, at)),
    text: textOf(ids.slice(at)),
    weight: one(after),
    promptWeight: one(before),
  };
}

export const trainModule = {
  trainOn: async (
    lm: FakeLM,
    objective: { form?: string },
    source: Given[] | ((step: number) => Promise<Given[]>),
    options: Record<string, unknown>,
    onStep?: (info: Record<string, unknown>) => unknown,
  ) => {
    const given = typeof source === 'function' ? [] : source;
    const training: Training = {
      start: alive(lm).role,
      seed: options.seed,
      epochs: options.epochs,
      lr: options.lr,
      steps: options.steps,
      objective: objective.form,
      lessons: given.flatMap(({ examples = [] }) => examples.map(lessonOf)),
      pairs: given.flatMap(({ chosen, rejected }) =>
        chosen && rejected ? [{ chosen: decode(chosen), rejected: decode(rejected) }] : [],
      ),
      rollouts: [],
    };
    lm.history.push(training);
    seen.trainings.push(training);
    lm.step = 0;
    const steps = typeof source === 'function' ? (options.steps as number) : script.steps;
    const state = { step: 0, m: [], v: [] };
    for (let step = 0; step < steps; step++) {
      const examples = typeof source === 'function' ? await source(step) : [];
      if (typeof source === 'function')
        training.rollouts.push(
          examples.map(({ prompt, completion, advantage }) => ({
            prompt: decode(prompt!),
            text: textOf(completion!),
            advantage: advantage!,
          })),
        );
      lm.step = step + 1;
      state.step = step + 1;
      // A loss and a norm that nobody takes for another number.
      await onStep?.({
        step: step + 1,
        steps,
        loss: 100 + step,
        gradNorm: 200 + step,
        lr: 0,
        state,
        examples,
      });
    }
    return state;
  },
  saveTrainState: async (_: unknown, __: unknown, path: string) => writeFile(path, ''),
};

export const preferenceModule = {
  preferenceObjective: (form: string, positive: number, negative: number) => ({
    form: `${form}: ${decode([positive])} or ${decode([negative])}`,
  }),
};

/** The ladder's training: only its sizes, seeds and numbers are kept, and its first examples. */
export const phaseModule = {
  trainPhase: async (
    phase: { steps: number; lr: number; seed: number; source: (step: number) => Example[] },
    start: () => Promise<FakeLM>,
    _dir: string,
    _log: string,
    onStep: (step: number, steps: number) => void,
  ) => {
    const lm = await start();
    const training: Training = {
      start: lm.role,
      seed: phase.seed,
      epochs: undefined,
      lr: phase.lr,
      steps: phase.steps,
      objective: undefined,
      lessons: [0, 1].flatMap((step) =>
        phase.source(step).map(({ ids }) => ({ prompt: decode(ids), text: '', weight: 1, promptWeight: 1 })),
      ),
      pairs: [],
      rollouts: [],
    };
    lm.history.push(training);
    seen.trainings.push(training);
    onStep(1, phase.steps);
    return lm;
  },
};

export const modelModule = {
  CausalLM: {
    init: (
      { description: of }: { description: { layers: number; width: number; attention: { heads: number } } },
      seed: number,
    ) => modelOf(`new ${of.layers} layers, ${of.attention.heads} heads, width ${of.width}, seed ${seed}`),
  },
};

/** The folders among a ranker's options, as roles. */
const foldersOf = (models: Record<string, unknown>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(models).flatMap(([key, value]) =>
      typeof value === 'string' && value.includes('/') ? [[key, roleOf(value)]] : [],
    ),
  );

/** What a ranker's numbers depend on besides the texts: one seed, one model, or nothing. */
async function readBy(name: string, models: Record<string, unknown>): Promise<string> {
  if (name === 'random') return `seed ${models.seed}`;
  if (name === 'longest') return '';
  const dir = { 'reward-model': models.rewardModel, 'human-likeness': models.humanLikeness }[name];
  return weightsIn(String(dir ?? models.judge));
}

export function fakeRanker(name: string, models: Record<string, unknown>) {
  const folders = foldersOf(models);
  seen.rankers.push({ name, folders, opened: models });
  return {
    name,
    close: async () => {},
    score: async (groups: Judged[][]) => {
      const weights = await readBy(name, models);
      return groups.map((group) =>
        group.map((of) => {
          for (const text of [of.initial, of.refinement]) sameContext(of.context, text);
          return { score: script.rank(name, folders, of, weights), perPrompt: [] };
        }),
      );
    },
  };
}

/** The registry's rankers, with all that they say of themselves; only what they open is scripted. */
export const rankersModule = (original: { findRanker(name: string): Promise<object> }) => ({
  ...original,
  findRanker: async (name: string) => ({
    ...(await original.findRanker(name)),
    open: async (models: Record<string, unknown>) => fakeRanker(name, models),
  }),
});

export const answersModule = {
  openAnswerModel: async (dir: string) => ({
    close: async () => {},
    logOdds: async (questions: { prefix: string; suffix: string }[]) => {
      const weights = await weightsIn(dir);
      return questions.map(({ prefix, suffix }) => {
        const asked = /^ (.*)\nIs this a good summary\?\nAnswer:$/s.exec(suffix);
        if (!asked) throw new Error(`not the question of a reward: ${suffix}`);
        sameContext(prefix, asked[1]!);
        return script.reward(roleOf(dir), contextIn(prefix)!, asked[1]!, weights);
      });
    },
  }),
};
