/**
 * npm run bench: how fast this machine trains and generates, and where the time goes.
 *
 * Models of random weights on random tokens: speed does not depend on what a model has learned. A repetition of training
 * is one optimizer step (forward, backward, clipping, AdamW); one of generation decodes every prompt to its last token,
 * prefill and opening the decoder included. Prints a table and, as the last line, one JSON document.
 *
 * Leaves out: text. Tokenizing is 500 times faster than training (bench/LOG.md).
 */
import { cpus, loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { disposeAdamState } from '../src/engine/fused.js';
import { ENGINES, type Engine, type EngineName, startEngine } from '../src/engine/index.js';
import { type Gpt2Sizes, gpt2Config } from '../src/lm/config.js';
import { CausalLM } from '../src/lm/model.js';
import { randomStream } from '../src/lm/random.js';
import { sample } from '../src/lm/sample.js';
import { train } from '../src/lm/train.js';
import { UserError } from '../src/store/errors.js';

interface Model {
  name: string;
  sizes: Gpt2Sizes;
}

const models: readonly Model[] = [
  // What the embedded models are, within a few words of vocabulary.
  {
    name: 'embedded shape',
    sizes: { n_layer: 5, n_embd: 128, n_head: 4, n_positions: 512, vocab_size: 1667 },
  },
  { name: 'GPT 3.7 M', sizes: { n_layer: 4, n_embd: 256, n_head: 8, n_positions: 128, vocab_size: 2048 } },
];

/** How much is done: sequences × tokens a step, prompts × (tokens in, new tokens), repetitions after warm-up. */
interface Amount {
  sequences: number;
  length: number;
  prompts: number;
  promptLength: number;
  newTokens: number;
  warmUp: number;
  repetitions: number;
}

const full: Amount = {
  sequences: 32,
  length: 128,
  prompts: 64,
  promptLength: 64,
  newTokens: 64,
  warmUp: 2,
  repetitions: 9,
};
const quick: Amount = {
  sequences: 2,
  length: 16,
  prompts: 4,
  promptLength: 8,
  newTokens: 8,
  warmUp: 1,
  repetitions: 3,
};

interface Spread {
  median: number;
  min: number;
  max: number;
}

interface Result {
  model: string;
  parameters: number;
  work: 'training' | 'generation';
  /** In words: "32 × 128 tokens a step". */
  amount: string;
  /** Of one repetition: tokens trained on, or new tokens. */
  tokens: number;
  repetitions: number;
  tokensPerSecond: Spread;
  /** Share of the wall clock inside native kernels, median; null on wasm, which does not say. */
  kernelShare: number | null;
  /** Peak resident memory of the process so far, MiB. */
  peakRssMiB: number;
}

/** One repetition, timed. */
interface Lap {
  seconds: number;
  kernelSeconds: number;
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** A stopwatch: each call gives the time since the last, and the kernels' part of it. */
function stopwatch({ native }: Engine): () => Lap {
  let from = performance.now();
  native?.resetKernelNanoseconds();
  return () => {
    const lap = {
      seconds: (performance.now() - from) / 1000,
      kernelSeconds: (native?.kernelNanoseconds() ?? 0) / 1e9,
    };
    native?.resetKernelNanoseconds();
    from = performance.now();
    return lap;
  };
}

/** `count` sequences of `length` tokens, uniform over the vocabulary. */
function randomTokens(count: number, length: number, vocab: number): number[][] {
  return Array.from({ length: count }, (_, i) => {
    const uniform = randomStream(0, i);
    return Array.from({ length }, () => Math.floor(uniform() * vocab));
  });
}

async function timeTraining(engine: Engine, lm: CausalLM, amount: Amount): Promise<Lap[]> {
  // A token more than is read: the last one is only predicted.
  const examples = randomTokens(amount.sequences, amount.length + 1, lm.config.vocab_size).map((ids) => ({
    ids,
    weights: ids.map(() => 1),
  }));
  const laps: Lap[] = [];
  const lap = stopwatch(engine);
  const steps = amount.warmUp + amount.repetitions;
  const state = await train(
    lm,
    () => examples,
    { steps, lr: 1e-4 },
    () => {
      laps.push(lap());
    },
  );
  disposeAdamState(state);
  return laps.slice(amount.warmUp);
}

async function timeGeneration(engine: Engine, lm: CausalLM, amount: Amount): Promise<Lap[]> {
  const prompts = randomTokens(amount.prompts, amount.promptLength, lm.config.vocab_size);
  // No stop token: every row gets all its tokens.
  const options = {
    maxNewTokens: amount.newTokens,
    temperature: 1,
    topK: 0,
    topP: 0.95,
    seed: 0,
    stopIds: [],
  };
  const laps: Lap[] = [];
  const lap = stopwatch(engine);
  for (let i = 0; i < amount.warmUp + amount.repetitions; i++) {
    await sample(lm, prompts, 1, options);
    laps.push(lap());
  }
  return laps.slice(amount.warmUp);
}

function summarize(
  engine: Engine,
  laps: readonly Lap[],
  tokens: number,
): Pick<Result, 'tokens' | 'repetitions' | 'tokensPerSecond' | 'kernelShare' | 'peakRssMiB'> {
  const rates = laps.map(({ seconds }) => tokens / seconds);
  return {
    tokens,
    repetitions: laps.length,
    tokensPerSecond: { median: median(rates), min: Math.min(...rates), max: Math.max(...rates) },
    kernelShare: engine.native ? median(laps.map((l) => l.kernelSeconds / l.seconds)) : null,
    // libuv gives KiB on every system.
    peakRssMiB: process.resourceUsage().maxRSS / 1024,
  };
}

async function measure(engine: Engine, { name, sizes }: Model, amount: Amount): Promise<Result[]> {
  const lm = CausalLM.init(gpt2Config(sizes), 0);
  try {
    const common = { model: name, parameters: lm.size };
    const { sequences, length, prompts, promptLength, newTokens } = amount;
    const trained = await timeTraining(engine, lm, amount);
    const training: Result = {
      ...common,
      work: 'training',
      amount: `${sequences} × ${length} tokens a step`,
      ...summarize(engine, trained, sequences * length),
    };
    const generated = await timeGeneration(engine, lm, amount);
    const generation: Result = {
      ...common,
      work: 'generation',
      amount: `${prompts} prompts of ${promptLength}, ${newTokens} new tokens each`,
      ...summarize(engine, generated, prompts * newTokens),
    };
    return [training, generation];
  } finally {
    lm.dispose();
  }
}

/** Rows of cells, columns as wide as their widest cell. */
function table(rows: readonly string[][]): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows.map((row) => row.map((cell, i) => cell.padEnd(widths[i]!)).join('  ')).join('\n');
}

function render(results: readonly Result[]): string {
  const whole = (x: number) => Math.round(x).toLocaleString('en');
  const header = ['model', 'work', 'tokens/s', 'min to max', 'in kernels', 'peak RSS', 'amount'];
  return table([
    header,
    ...results.map(({ tokensPerSecond: rate, ...r }) => [
      `${r.model} (${(r.parameters / 1e6).toFixed(2)} M)`,
      r.work,
      whole(rate.median),
      `${whole(rate.min)} to ${whole(rate.max)} (${r.repetitions})`,
      r.kernelShare === null ? 'not known' : `${(100 * r.kernelShare).toFixed(0)} %`,
      `${whole(r.peakRssMiB)} MiB`,
      r.amount,
    ]),
  ]);
}

function options() {
  try {
    return parseArgs({
      options: {
        quick: { type: 'boolean', default: false },
        engine: { type: 'string' },
        threads: { type: 'string' },
        repetitions: { type: 'string' },
      },
    }).values;
  } catch (error) {
    throw new UserError(
      `${(error as Error).message}; there are --quick, --engine ${ENGINES.join('|')}, --threads N, --repetitions N`,
    );
  }
}

function wholeNumber(name: string, given: string): number {
  const value = Number(given);
  if (!Number.isInteger(value) || value < 1) throw new UserError(`--${name} must be a whole number above 0`);
  return value;
}

async function main(): Promise<void> {
  const given = options();
  const amount = { ...(given.quick ? quick : full) };
  if (given.repetitions !== undefined) amount.repetitions = wholeNumber('repetitions', given.repetitions);
  const engine = await startEngine(given.engine as EngineName | undefined);
  if (given.threads !== undefined) {
    if (!engine.native) throw new UserError(`--threads: the engine ${engine.name} has one thread`);
    engine.native.setThreads(wholeNumber('threads', given.threads));
  }
  const loadBefore = loadavg()[0]!;
  const machine = `${cpus()[0]?.model.trim() ?? 'unknown CPU'}, ${cpus().length} logical cores`;
  console.log(`${engine.describe()}; ${machine}; load average ${loadBefore.toFixed(1)} before\n`);

  const results: Result[] = [];
  for (const model of models) results.push(...(await measure(engine, model, amount)));
  console.log(render(results));
  console.log(
    '\nMedians of single repetitions after warm-up; peak RSS is the whole process until then. Last line: JSON.',
  );
  console.log(
    JSON.stringify({
      bench: 'throughput',
      quick: given.quick,
      engine: engine.name,
      isa: engine.native?.isa() ?? null,
      threads: engine.native?.threads() ?? 1,
      machine,
      node: process.version,
      loadAverage: { before: loadBefore, after: loadavg()[0]! },
      results,
      peakRssMiB: process.resourceUsage().maxRSS / 1024,
    }),
  );
}

try {
  await main();
} catch (error) {
  if (!(error instanceof UserError)) throw error;
  console.error(`error: ${error.message}`);
  process.exitCode = 2;
}
