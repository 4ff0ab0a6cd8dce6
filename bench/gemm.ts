/**
 * bench gemm: the models' matrix products, ours beside oneDNN, PyTorch and tfjs-node, in GFLOP per second.
 *
 * In bfloat16 our product takes and gives float32 arrays and converts them inside (on a GPU only the weights of products that
 * have some); the peers' operands are converted beforehand, as their models' are.
 */
import type { Precision } from '../src/engine/index.js';
import { UserError } from '../src/store/errors.js';
import { ChildError, type Contender, OURS, ours, runChild } from './child.js';
import { type ModelName, sizesOf } from './models.js';
import { compileOneDnn, type OneDnn } from './onednn.js';
import { commonOptions, type Given, modelOption, peerOptions, type Settings, settings } from './options.js';
import { type Outcome, type Result, resultOf } from './outcome.js';
import { asOptions, fastestOfEach, findPeers, type Peer, threadVariables } from './peers.js';
import { type GemmAmount, type Job, shapeKey } from './report.js';
import { alternate, compare, type Rounds } from './rounds.js';
import { type Product, products } from './shapes.js';
import { median } from './stats.js';
import { type BenchTable, number, times } from './table.js';
import { findTfjsNode, type TfjsNode } from './tfjs-node.js';

const ON_CPU = 'it computes on the CPU';

export const gemmOptions = { ...commonOptions, ...modelOption, ...peerOptions };

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

/** Whether ours can, asked with one tiny product. @throws ChildError where it fails otherwise */
async function refusal(job: GemmJob): Promise<string | null> {
  const shapes = [{ M: 1, N: 1, K: 1, transA: false, transB: false }];
  try {
    await runChild(ours({ ...job, shapes, amount: { seconds: 0, least: 1 } }));
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

/** One model's products in one precision. */
async function measure(
  job: GemmJob,
  model: ModelName,
  all: readonly Product[],
  { quick, rounds, device }: Settings,
  peers: readonly Peer[],
  libraries: Libraries,
): Promise<Omit<Outcome, 'bench'>> {
  const { precision, amount, threads } = job;
  const title = `gemm, ${model}, ${precision}, GFLOP/s`;
  const keys = all.map(shapeKey);
  const torch = await fastestOfEach(peers, () => ({
    script: 'gemm.py',
    args: [...keys, '--dtype', precision, '--device', device, ...asOptions(amount)],
    trialArgs: asOptions({ seconds: 0.05, least: 1 }),
    threads,
    modes: [{ label: '', args: [] }],
    quick,
  }));
  const field = [ours(job), ...libraryContenders(libraries, job), ...torch.contenders];
  const { reports, skipped } = await alternate(title, field, rounds);
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
  return {
    tables: [table(`${title}; ${subjects}`, all, reports, medianRatio)],
    notes: [...torch.notes.map((note) => `${title}: ${note}`), ...skipped],
    results: [{ model, precision, products: all, medianRatio, ...result } satisfies GemmResult],
  };
}

export async function gemm(given: Given): Promise<Outcome> {
  const all = settings(given, ['3.7M', '124M'], ['float32', 'bfloat16']);
  const { quick, threads, engine } = all;
  const amount: GemmAmount = quick ? { seconds: 0, least: 1 } : { seconds: 0.2, least: 3 };
  const peers = await findPeers(all.peerPythons, all.device);
  const outcome: Outcome = { bench: 'gemm', tables: [], notes: [], results: [] };
  const onCpu = {
    oneDnn: { program: null, reason: ON_CPU },
    tfjsNode: { name: null, reason: ON_CPU },
  } as const;
  const libraries: Libraries = all.gpu
    ? onCpu
    : { oneDnn: await compileOneDnn(), tfjsNode: await findTfjsNode() };
  if (libraries.oneDnn.program === null) outcome.notes.push(`oneDNN left out: ${libraries.oneDnn.reason}`);
  if (libraries.tfjsNode.name === null)
    outcome.notes.push(`tfjs-node left out: ${libraries.tfjsNode.reason}`);
  try {
    for (const precision of all.precisions) {
      const job: GemmJob = { work: 'gemm', engine, threads, precision, amount, shapes: [] };
      const cannot = await refusal(job);
      if (cannot !== null && all.precisionGiven) throw new UserError(`--precision ${precision}: ${cannot}`);
      if (cannot !== null) {
        outcome.notes.push(`${precision} left out: ${cannot}`);
        continue;
      }
      for (const model of all.models) {
        const sizes = quick ? { ...sizesOf(model), n_embd: 32, vocab_size: 48 } : sizesOf(model);
        const shapes = products(sizes, quick ? 16 : all.gpu ? GPU_ROWS : ROWS[model]);
        const part = await measure({ ...job, shapes }, model, shapes, all, peers, libraries);
        outcome.tables.push(...part.tables);
        outcome.notes.push(...part.notes);
        outcome.results.push(...part.results);
      }
    }
  } finally {
    if (libraries.oneDnn.program !== null) libraries.oneDnn.remove();
  }
  return outcome;
}
