/**
 * Stand-ins for all that computes: models that answer from script.ts and write down what they were asked. A model is a
 * folder whose weights are its name; nothing here knows a file of src.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  answers,
  apart,
  askedBy,
  costOf,
  feedbackOn,
  freeTextOf,
  partsOf,
  pointsOf,
  type Story,
} from './script.js';

interface Sampling {
  model: string;
  prompts: string[];
  n: number;
  temperature: number;
  topP: number;
  topK: number;
  maxNewTokens: number;
  seed: number;
  stops: string[];
}
/** Loss weights of the prompt's tokens and of the completion's. */
interface Learned {
  prompt: string;
  completion: string;
  promptWeight: number;
  weight: number;
}
interface Training {
  from: string;
  /** [step][example] */
  steps: Learned[][];
  options: Record<string, unknown> & { seed: number };
}
interface Candidate {
  context: string;
  initial: string;
  feedback: string;
  refinement: string;
}
/** All that was asked of anybody since `begin`. */
export interface Asked {
  samplings: Sampling[];
  scored: { model: string; prompt: string; completion: string }[];
  compared: { q: string; p: string; prompt: string; completion: string }[];
  trainings: Training[];
  annotated: { id: string; output: string; key: string }[];
  rankersOpened: { name: string; models: Record<string, unknown> }[];
  ranked: { ranker: string; groups: Candidate[][] }[];
  closed: string[];
}

let asked: Asked;
let opened: FakeLM[];
/** Texts that the refiner's prompts got already. */
let drawn: Map<string, number>;
/** Whether tuned models write feedback before their outputs. */
let feedbackFirst: boolean;

export function begin(writesFeedbackFirst: boolean): Asked {
  asked = {
    samplings: [],
    scored: [],
    compared: [],
    trainings: [],
    annotated: [],
    rankersOpened: [],
    ranked: [],
    closed: [],
  };
  opened = [];
  drawn = new Map();
  feedbackFirst = writesFeedbackFirst;
  return asked;
}

/** Models whose memory was not freed. */
export const leftOpen = () => opened.filter(({ gone }) => !gone).map(({ name }) => name);

class FakeLM {
  readonly description = { positions: 4096, vocab: 1 << 20 };
  readonly params = new Map();
  gone = false;
  constructor(public name: string) {
    opened.push(this);
  }
  dispose() {
    this.gone = true;
  }
}

const END = '⟨end⟩';
const words = [END];
/** Words as tokens. The two families of models share no id: a text of one is none to the other. */
class Words {
  readonly vocabSize = 1 << 20;
  readonly eos: number;
  readonly ends: readonly number[];
  readonly begin = [];
  readonly key: string;
  constructor(private readonly family: 0 | 1) {
    this.eos = family;
    this.ends = [family];
    this.key = `words ${family}`;
  }
  encode(text: string): number[] {
    return (text.match(/\n| ?[^ \n]+| /g) ?? []).map((word) => {
      if (!words.includes(word)) words.push(word);
      return 2 * words.indexOf(word) + this.family;
    });
  }
  /** What was written, its end included. */
  read(ids: ArrayLike<number>): string {
    return Array.from(ids, (id) => (id % 2 === this.family ? words[id >> 1]! : '�')).join('');
  }
  decode(ids: ArrayLike<number>): string {
    return this.read(ids).replaceAll(END, '');
  }
}
const families = { base: new Words(0), instruct: new Words(1) };
const tokenizerOf = ({ name, gone }: FakeLM) => {
  if (gone) throw new Error(`${name} was asked after its memory was freed`);
  return name.startsWith('instruct') ? families.instruct : families.base;
};

/** The folders of the two models that a run begins with: one is π_0, the other all the rest. */
export function writeModels(dir: string) {
  const write = (name: string) => {
    const folder = join(dir, name);
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'config.json'), '{}');
    writeFileSync(join(folder, 'model.safetensors'), name);
    writeFileSync(join(folder, 'tokenizer.json'), name);
    return folder;
  };
  const [base, instruct] = [write('base'), write('instruct')];
  return { base, refiner: instruct, critic: instruct, judge: instruct };
}

export const loadLM = async (dir: string) => new FakeLM(readFileSync(join(dir, 'model.safetensors'), 'utf8'));
export async function saveLM({ name }: FakeLM, dir: string): Promise<void> {
  mkdirSync(dir, { recursive: true });
  writeFileSync(join(dir, 'config.json'), '{}');
  writeFileSync(join(dir, 'model.safetensors'), name);
}
export const loadTokenizer = async (dir: string) =>
  families[readFileSync(join(dir, 'tokenizer.json'), 'utf8') as 'base' | 'instruct'];

type Ids = readonly number[];

export async function sample(
  lm: FakeLM,
  prompts: readonly Ids[],
  n: number,
  { stopIds, ...options }: Omit<Sampling, 'model' | 'prompts' | 'n' | 'stops'> & { stopIds: Ids },
) {
  const tokenizer = tokenizerOf(lm);
  const texts = prompts.map((ids) => tokenizer.read(ids));
  const stops = stopIds.map((id) => tokenizer.read([id]));
  asked.samplings.push({ model: lm.name, prompts: texts, n, ...options, stops });
  const free = options.temperature === 1 && options.topP === 1 && options.topK === 0;
  return texts.map((prompt) =>
    textsFor(lm.name, prompt, n, free).map((text) => {
      const ids = [...tokenizer.encode(` ${text}`), tokenizer.eos].slice(0, options.maxNewTokens);
      return { ids, logprobs: ids.map(() => -1), finished: ids.at(-1) === tokenizer.eos };
    }),
  );
}

/** n texts of a model after a prompt. */
function textsFor(model: string, prompt: string, n: number, free: boolean): string[] {
  const { kind, id } = askedBy(prompt);
  if (free) return [freeTextOf(model, id)];
  const all = answers(model, prompt);
  if (all.length === 1)
    return Array.from({ length: n }, () =>
      feedbackFirst && kind === 'summary' && model !== 'base'
        ? `${id} lacks much New summary: ${all[0]}`
        : all[0]!,
    );
  const from = drawn.get(prompt) ?? 0;
  drawn.set(prompt, from + n);
  if (all.length < from + n) throw new Error(`${from + n} texts were asked for after "${prompt}"`);
  return all.slice(from, from + n);
}

interface Item {
  prompt: Ids;
  completion: Ids;
}

export async function scoreCompletions(lm: FakeLM, items: readonly Item[]): Promise<Float32Array[]> {
  const tokenizer = tokenizerOf(lm);
  return items.map(({ prompt, completion }) => {
    const text = tokenizer.read(prompt);
    asked.scored.push({ model: lm.name, prompt: text, completion: tokenizer.read(completion) });
    return new Float32Array(completion.length).fill(-Math.LN2 * costOf(lm.name, text));
  });
}

export async function compareCompletions(q: FakeLM, p: FakeLM, items: readonly Item[]) {
  const tokenizer = tokenizerOf(q);
  tokenizerOf(p);
  const { logRatio, exact } = apart[`${q.name} from ${p.name}`]!;
  return items.map(({ prompt, completion }) => {
    const [before, text] = [tokenizer.read(prompt), tokenizer.read(completion)];
    asked.compared.push({ q: q.name, p: p.name, prompt: before, completion: text });
    const times = Float32Array.from(completion, (_, t) => (t === 0 ? 2 : 1));
    return {
      logQ: times.map(() => -1),
      logP: times.map((by) => -1 - by * logRatio),
      exact: times.map((by) => by * exact),
    };
  });
}

interface Example {
  ids: Ids;
  weights: readonly number[];
}

/** Goes through the lessons in their order; the model is another one afterwards. */
export async function trainOn<E>(
  lm: FakeLM,
  objective: (lm: FakeLM, examples: E[], maxTokens: number) => unknown,
  source: readonly E[],
  options: { epochs: number; stepSize: { sequences: number }; maxTokens: number; seed: number },
  onStep: (info: object) => unknown,
) {
  asked.trainings.push({ from: lm.name, steps: [], options });
  const { epochs, stepSize } = options;
  const steps = epochs * Math.ceil(source.length / stepSize.sequences);
  let step = 0;
  for (let epoch = 0; epoch < epochs; epoch++)
    for (let at = 0; at < source.length; at += stepSize.sequences) {
      objective(lm, source.slice(at, at + stepSize.sequences), options.maxTokens);
      step++;
      await onStep({ step, steps, loss: 10 * asked.trainings.length + step });
    }
  lm.name = `${lm.name}>${asked.trainings.length}`;
  return { step, m: [], v: [] };
}

/** The loss of a training's step: where its examples are seen. */
export function crossEntropy(lm: FakeLM, examples: readonly Example[]) {
  const tokenizer = tokenizerOf(lm);
  const step = examples.map(({ ids, weights }): Learned => {
    const text = tokenizer.read(ids);
    const prompt = text.slice(0, text.indexOf('Summary:') + 'Summary:'.length);
    const { length } = tokenizer.encode(prompt);
    const one = (of: readonly number[]) => {
      if (weights.length !== ids.length || new Set(of).size !== 1)
        throw new Error(`a weight for each token of "${text}", please: ${weights}`);
      return of[0]!;
    };
    return {
      prompt,
      completion: text.slice(prompt.length),
      promptWeight: one(weights.slice(0, length)),
      weight: one(weights.slice(length)),
    };
  });
  asked.trainings.at(-1)!.steps.push(step);
  return { loss: 1, tokens: 1, grads: null };
}

export const saveTrainState = async (_lm: FakeLM, _state: object, path: string): Promise<void> =>
  writeFileSync(path, 'state');

/** Its numbers stand in the texts: InstructRM's as they are, any other ranker's the other way round. */
export const findRanker = async (name: string) => ({
  name,
  label: name === 'instruct-rm' ? 'InstructRM' : name,
  help: '',
  probability: name === 'instruct-rm',
  madeFrom: () => ({ models: [] }),
  open: (options: Record<string, unknown>) => openRanker(name, options),
});
async function openRanker(name: string, { prompts: _, ...models }: Record<string, unknown>) {
  asked.rankersOpened.push({ name, models });
  return {
    score: async (groups: Candidate[][], onProgress?: (done: number) => void) => {
      asked.ranked.push({ ranker: name, groups });
      onProgress?.(1);
      return groups.map((group) =>
        group.map(({ context, initial, feedback, refinement }) => {
          const id = context.split(' ').at(-1)!;
          partsOf(initial, id);
          partsOf(feedback, id);
          const { R } = partsOf(refinement, id);
          return { score: name === 'instruct-rm' ? R : 1 - R, perPrompt: [0.0625, 0.125] };
        }),
      );
    },
    close: async () => {
      asked.closed.push(name);
    },
  };
}

interface Points {
  of: string;
  kinds: string[];
}

/** The simulated annotator. */
export function annotate({ id }: Story, output: string, key: string): { text: string; points: Points } {
  asked.annotated.push({ id, output, key });
  return { text: feedbackOn(output, id, 'wants'), points: { of: id, kinds: pointsOf[id] ?? ['fact'] } };
}

/** Knows held-out contexts alone. */
const oracle = {
  unit: 'what stands in the text',
  score: async (items: readonly ToCheck[]) =>
    items.map(({ context: { id }, text }) => heldOut(text, id).score),
  feedback: {
    incorporated: async (items: readonly ToCheck[]) =>
      items.map(({ context: { id }, points, text }) => {
        const settled = settledOf(id, points as Points, text);
        return settled.filter(Boolean).length / settled.length;
      }),
    byKind: async (items: readonly ToCheck[]) =>
      items.map(({ context: { id }, points, text }) => {
        const settled = settledOf(id, points as Points, text);
        return (points as Points).kinds.map((kind, i) => ({ kind, settled: settled[i]! }));
      }),
  },
};
interface ToCheck {
  context: Story;
  text: string;
  points: unknown;
}
function heldOut(text: string, id: string) {
  if (!id.startsWith('h')) throw new Error(`the oracle was asked about ${id}, which is to learn from`);
  return partsOf(text, id);
}
function settledOf(id: string, { of, kinds }: Points, refinement: string): boolean[] {
  if (of !== id) throw new Error(`the points of ${of} were taken for those of ${id}`);
  const { settles } = heldOut(refinement, id);
  return kinds.map((kind) => settles.includes(kind));
}

/** The tasks of this name have an oracle, others none. */
export const ORACLE_TASK = 'stories';
export const openScorerOfSome = async ({ task }: { task: string }, contexts: readonly unknown[]) =>
  task === ORACLE_TASK ? { scorer: oracle, contexts } : null;
