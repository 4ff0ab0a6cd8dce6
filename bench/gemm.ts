/**
 * bench gemm: the models' matrix products, ours beside oneDNN, PyTorch and tfjs-node, in GFLOP per second.
 *
 * In bfloat16 our product takes and gives float32 arrays and converts them inside (on a GPU only the weights of products that
 * have some); the peers' operands are converted beforehand, as their models' are.
 */
import type { Precision } from '../src/engine/index.js';
import { type Budget, TimeUp } from './budget.js';
import { ChildError, type Contender, OURS, ours, runChild } from './child.js';
import type { Keep } from './journal.js';
import { leastSeconds, type ModelName, sizesOf } from './models.js';
import { compileOneDnn, type OneDnn } from './onednn.js';
import { type Given, type Settings, settings } from './options.js';
import { type Outcome, type Result, resultOf } from './outcome.js';
import type { Part } from './parts.js';
import { asOptions, fastestOfEach, type Peer, threadVariables } from './peers.js';
import { type GemmAmount, type Job, shapeKey } from './report.js';
import { alternate, compare, type Rounds } from './rounds.js';
import { type Product, products } from './shapes.js';
import { median } from './stats.js';
import { type BenchTable, number, times } from './table.js';
import { findTfjsNode, type TfjsNode } from './tfjs-node.js';

const ON_CPU = 'it computes on the CPU';

/** Tokens of a step. */
const ROWS: Record<ModelName, number> = { embedded: 4096, '3.7M': 4096, '124M': 1024, '355M': 1024 };

/** Computed at once on a GPU. */
const GPU_ROWS = 32_768;

type GemmJob = Extract<Job, { work: 'gemm' }>;

interface GemmResult extends Result {
  model: ModelName;
  precision: Precision;
  products: readonly Product[];
  /** By contender, the median over products of the medians over rounds of ours ÷ theirs. */
  medianRatio: Record<string, number>;
}

/** Why ours cannot, asked with one tiny product; null where it can. @throws ChildError where it fails otherwise */
async function refusal(job: GemmJob, budget: Budget): Promise<string | null> {
  const shapes = [{ M: 1, N: 1, K: 1, transA: false, transB: false }];
  try {
    await runChild(ours({ ...job, shapes, amount: { seconds: 0, least: 1 } }), budget);
    return null;
  } catch (error) {
    if (error instanceof ChildError && error.refused) return error.message;
    throw error;
  }
}

function table(
  title: string,
  all: readonly Product[],
  reports: Rounds['reports'],
  medianRatio: Record<string, number>,
): BenchTable {
  const peers = [...reports.keys()].filter((name) => name !== OURS);
  return {
    title,
    head: ['product', 'M × N × K', OURS, ...peers.flatMap((name) => [name, 'ours ÷ this'])],
    rows: [
      ...all.map((product) => [
        product.name,
        `${product.M} × ${product.N} × ${product.K}`,
        ...compare(reports, shapeKey(product)).flatMap(({ rate, ratio }) =>
          ratio ? [number(rate.median), times(ratio)] : [number(rate.median)],
        ),
      ]),
      ['median', '', '', ...peers.flatMap((name) => ['', `${medianRatio[name]!.toFixed(2)}×`])],
    ],
  };
}

/** Who multiplies beside ours, besides PyTorch. */
interface Libraries {
  oneDnn: OneDnn;
  tfjsNode: TfjsNode;
}

function libraryContenders({ oneDnn, tfjsNode }: Libraries, job: GemmJob): Contender[] {
  const { precision, shapes, amount, threads } = job;
  const env = threadVariables(threads);
  const contenders: Contender[] = [];
  if (oneDnn.program !== null)
    for (const layout of ['packed', 'plain']) {
      const numbers = [amount.seconds, amount.least].map(String);
      const args = [precision, layout, ...numbers, ...shapes.map(shapeKey)];
      contenders.push({ name: `oneDNN ${layout}`, command: oneDnn.program, args, env });
    }
  if (tfjsNode.name !== null && precision === 'float32')
    contenders.push({ ...ours({ ...job, tfjsNode: tfjsNode.name }), name: 'tfjs-node', env });
  return contenders;
}

/** Looked for when they are first needed. */
async function findLibraries({ gpu, budget }: Settings): Promise<Libraries> {
  if (gpu) return { oneDnn: { program: null, reason: ON_CPU }, tfjsNode: { name: null, reason: ON_CPU } };
  return { oneDnn: await compileOneDnn(budget), tfjsNode: await findTfjsNode(budget) };
}

/** One model's products in one precision, added to the outcome. @throws TimeUp where those were not all */
async function measure(
  job: GemmJob,
  model: ModelName,
  products: readonly Product[],
  { quick, rounds, device, budget }: Settings,
  peers: readonly Peer[],
  libraries: Libraries,
  outcome: Outcome,
  keep: Keep,
): Promise<void> {
  const { precision, amount, threads } = job;
  const keys = products.map(shapeKey);
  const workOf = () => ({
    script: 'gemm.py',
    args: [...keys, '--dtype', precision, '--device', device, ...asOptions(amount)],
    trialArgs: asOptions({ seconds: 0.05, least: 1 }),
    threads,
    modes: [{ label: '', args: [] }],
    quick,
  });
  const torch = await fastestOfEach(peers, workOf, budget);
  outcome.notes.push(...torch.notes.map((note) => `${outcome.part}: ${note}`));
  const field = [ours(job), ...libraryContenders(libraries, job), ...torch.contenders];
  const { reports, skipped, cut } = await alternate(outcome.part, field, rounds, budget, keep);
  const result = resultOf(reports, keys);
  const subjects = result.contenders
    .filter(({ name, subject }) => !name.startsWith(subject))
    .map(({ name, subject }) => `${name}: ${subject}`)
    .join('; ');
  const medianRatio: GemmResult['medianRatio'] = {};
  for (const { name } of result.contenders) {
    if (name === OURS) continue;
    const own = result.comparisons.filter((c) => c.contender === name);
    medianRatio[name] = median(own.map((c) => c.ratio!.median));
  }
  outcome.tables.push(table(`${outcome.part}; ${subjects}`, products, reports, medianRatio));
  outcome.notes.push(...skipped);
  outcome.results.push({ model, precision, products, medianRatio, ...result } satisfies GemmResult);
  if (cut) throw new TimeUp();
}

/** A part for each model and precision. */
export function gemm(given: Given, peers: readonly Peer[]): Part[] {
  const all = settings(given, ['3.7M', '124M'], ['float32', 'bfloat16']);
  const { quick, threads, engine, budget } = all;
  const amount: GemmAmount = quick ? { seconds: 0, least: 1 } : { seconds: 0.2, least: 3 };
  let libraries: Promise<Libraries> | null = null;
  return all.precisions.flatMap((precision) =>
    all.models.map((model): Part => {
      const sizes = quick ? { ...sizesOf(model), n_embd: 32, vocab_size: 48 } : sizesOf(model);
      const shapes = products(sizes, quick ? 16 : all.gpu ? GPU_ROWS : ROWS[model]);
      const job: GemmJob = { work: 'gemm', engine, threads, precision, amount, shapes };
      return {
        name: `gemm, ${model}, ${precision}, GFLOP/s`,
        bench: 'gemm',
        model,
        beside: true,
        least: (1 + peers.length) * leastSeconds(model, quick),
        run: async (outcome, keep) => {
          // What was asked for has been checked.
          const cannot = all.precisionGiven ? null : await refusal(job, budget);
          if (cannot !== null) {
            outcome.notes.push(`${precision} left out: ${cannot}`);
            return;
          }
          libraries ??= findLibraries(all);
          const found = await libraries;
          const { oneDnn, tfjsNode } = found;
          if (oneDnn.program === null) outcome.notes.push(`oneDNN left out: ${oneDnn.reason}`);
          if (tfjsNode.name === null) outcome.notes.push(`tfjs-node left out: ${tfjsNode.reason}`);
          await measure(job, model, shapes, all, peers, found, outcome, keep);
        },
      };
    }),
  );
}
