/**
 * bench scaling: how tokens per second of training and generation, and peak memory, change with the model's size, the
 * context and the batch. One of them varies, the others stay. Leaves out peers.
 */

import type { Gpt2Sizes } from '../src/lm/architectures/gpt2.js';
import { UserError } from '../src/store/errors.js';
import { TimeUp } from './budget.js';
import { OURS, ours } from './child.js';
import { sizesOf } from './models.js';
import { commonOptions, type Given, microBatch, settings, stepsOption } from './options.js';
import type { Part } from './parts.js';
import type { GenerateAmount, Job, Repetitions, Report, TrainAmount } from './report.js';
import { alternate, compare, peakRssMiB } from './rounds.js';
import type { Spread } from './stats.js';
import { type BenchTable, number, rate } from './table.js';

export const scalingOptions = { ...commonOptions, ...stepsOption };

interface Point {
  label: string;
  sizes: Gpt2Sizes;
  train: Omit<TrainAmount, keyof Repetitions | 'micro'>;
  generate: Omit<GenerateAmount, keyof Repetitions>;
}

interface Series {
  varies: 'parameters' | 'context' | 'batch';
  /** What stays. */
  title: string;
  points: Point[];
}

/** New tokens of a row; in the series of contexts they are the context's last ones. */
const NEW = 32;

function series(quick: boolean): Series[] {
  const base = { ...sizesOf('3.7M'), n_positions: 1024 };
  const few = <T>(all: T[]) => (quick ? all.slice(0, 2) : all);
  const sequences = quick ? 1 : 32;
  const fixed = quick ? 256 : 4096;
  const generate = { prompts: sequences, promptLength: 96, newTokens: NEW, topP: 1 };
  const widths: [layers: number, width: number][] = [
    [2, 64],
    [4, 128],
    [4, 256],
    [6, 384],
    [8, 512],
    [12, 768],
  ];
  return [
    {
      varies: 'parameters',
      title: `${sequences} × 128 tokens, vocabulary ${base.vocab_size}, heads of 32`,
      points: few(widths).map(([n_layer, n_embd]) => ({
        label: `${n_layer} layers × ${n_embd}`,
        sizes: { ...base, n_layer, n_embd, n_head: n_embd / 32 },
        train: { sequences, length: 128 },
        generate,
      })),
    },
    {
      varies: 'context',
      title: `3.7M, ${fixed} tokens a step; as many of prompts and their ${NEW} new tokens each`,
      points: few([128, 256, 512, 1024]).map((T) => ({
        label: `${T}`,
        sizes: base,
        train: { sequences: fixed / T, length: T },
        generate: { ...generate, prompts: fixed / T, promptLength: T - NEW },
      })),
    },
    {
      varies: 'batch',
      title: `3.7M, sequences of 128 tokens; prompts of 96 and ${NEW} new tokens`,
      points: few([1, 2, 4, 8, 16, 32]).map((batch) => ({
        label: `${batch}`,
        sizes: base,
        train: { sequences: batch, length: 128 },
        generate: { ...generate, prompts: batch },
      })),
    },
  ];
}

interface Measured {
  label: string;
  parameters: number;
  train: { tokensPerSecond: Spread; peakRssMiB: number };
  generate: { tokensPerSecond: Spread; prefillTokensPerSecond: Spread; peakRssMiB: number };
}

/** A part for each of what varies. */
export function scaling(given: Given): Part[] {
  const all = settings(given);
  if (all.precisions.length > 1) throw new UserError('bench scaling takes one --precision');
  const common = { engine: all.engine, threads: all.threads, precision: all.precisions[0]! };
  const repetitions = { warmUp: 1, steps: given.steps ?? (all.quick ? 1 : 3) };
  return series(all.quick).map((one) => ({
    name: `scaling with ${one.varies}, ${common.precision}: ${one.title}`,
    bench: 'scaling',
    model: null,
    beside: false,
    least: 2,
    run: async (outcome, keep) => {
      const points: Measured[] = [];
      for (const { label, sizes, train, generate } of one.points) {
        const name = `scaling, ${one.varies} ${label}`;
        const micro = microBatch(all, sizes, train.sequences, train.length);
        const jobs: Job[] = [
          { ...common, sizes, work: 'train', amount: { ...train, micro, ...repetitions } },
          { ...common, sizes, work: 'generate', amount: { ...generate, ...repetitions } },
        ];
        const reports: Report[][] = [];
        for (const job of jobs) {
          const rounds = await alternate(`${name}, ${job.work}`, [ours(job)], all.rounds, all.budget, keep);
          if (rounds.cut) throw new TimeUp();
          reports.push(rounds.reports.get(OURS)!);
        }
        points.push(measured(label, reports[0]!, reports[1]!));
        // With each point, so that those before the time was up are kept.
        outcome.tables = [table(outcome.part, one.varies, points)];
        outcome.results = [{ varies: one.varies, title: one.title, precision: common.precision, points }];
      }
    },
  }));
}

function measured(label: string, trained: Report[], generated: Report[]): Measured {
  const spreadOf = (reports: Report[], what: string) => compare(new Map([[OURS, reports]]), what)[0]!.rate;
  return {
    label,
    parameters: trained[0]!.parameters!,
    train: { tokensPerSecond: spreadOf(trained, 'train'), peakRssMiB: peakRssMiB(trained) },
    generate: {
      tokensPerSecond: spreadOf(generated, 'generate'),
      prefillTokensPerSecond: spreadOf(generated, 'prefill'),
      peakRssMiB: peakRssMiB(generated),
    },
  };
}

const table = (title: string, varies: Series['varies'], points: readonly Measured[]): BenchTable => ({
  title,
  head: [
    varies === 'parameters' ? 'model' : varies,
    'parameters, M',
    'train, tokens/s',
    'peak RSS, MiB',
    'generate, new tokens/s',
    'prefill, tokens/s',
    'peak RSS, MiB',
  ],
  rows: points.map((m) => [
    m.label,
    number(m.parameters / 1e6),
    rate(m.train.tokensPerSecond),
    String(Math.round(m.train.peakRssMiB)),
    rate(m.generate.tokensPerSecond),
    rate(m.generate.prefillTokensPerSecond),
    String(Math.round(m.generate.peakRssMiB)),
  ]),
});
