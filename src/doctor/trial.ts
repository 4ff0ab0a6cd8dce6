/**
 * Tries one engine, in a process of its own, which an addon or a driver may end: `fork` runs this file with the engine's
 * name; with `gpu`, it makes the checks of gpu/trial.ts instead. Asks what it needs, then computes in each of its precisions: a product of known result, and a few steps of
 * training on a tiny model, which must learn.
 */
import { type EngineName, missingOf } from '../engine/engines/kind.js';
import { type EngineKind, KINDS, type Precision, startEngine } from '../engine/index.js';
import * as tf from '../engine/tf.js';
import { gpt2Config } from '../lm/architectures/gpt2.js';
import { CausalLM } from '../lm/model.js';
import { train } from '../lm/train.js';
import { tryGpu } from './gpu/trial.js';
import type { News, Trial } from './types.js';

const TINY = { n_layer: 1, n_head: 2, n_embd: 16, n_positions: 16, vocab_size: 11 };
const STEPS = 4;
/** Largest relative error of a product: bfloat16 keeps 8 bits. */
const TOLERANCE: Record<Precision, number> = { float32: 1e-5, bfloat16: 1e-2 };

/** @throws Error where a [33,65] × [65,17] product of small whole numbers is wrong */
function multiply(precision: Precision): void {
  const [M, K, N] = [33, 65, 17];
  const a = Float32Array.from({ length: M * K }, (_, i) => ((i * 7) % 11) - 5);
  const b = Float32Array.from({ length: K * N }, (_, i) => ((i * 5) % 13) - 6);
  const got = tf.tidy(() => tf.matMul(tf.tensor2d(a, [M, K]), tf.tensor2d(b, [K, N])).dataSync());
  const want = Float32Array.from({ length: M * N }, (_, i) => {
    const [m, n] = [Math.floor(i / N), i % N];
    let sum = 0;
    for (let k = 0; k < K; k++) sum += a[m * K + k]! * b[k * N + n]!;
    return sum;
  });
  const limit = TOLERANCE[precision] * Math.max(...want.map(Math.abs));
  // NaN is wrong, too.
  const wrong = want.findIndex((x, i) => !(Math.abs(got[i]! - x) <= limit));
  if (wrong >= 0) throw new Error(`a matrix product is wrong: ${got[wrong]} where it is ${want[wrong]}`);
}

/** @throws Error where a tiny model does not learn a sequence by heart in a few steps, or does not change */
async function learn(): Promise<void> {
  const lm = CausalLM.init(gpt2Config(TINY), 1);
  const weights = () => [...lm.params.values()].map((v) => Float32Array.from(v.dataSync()));
  const before = weights();
  const ids = [1, 5, 2, 8, 3, 9, 4, 10];
  const losses: number[] = [];
  const example = { ids, weights: ids.map(() => 1) };
  await train(
    lm,
    () => [example, example],
    { steps: STEPS, lr: 1e-2, warmup: 0 },
    ({ loss }) => {
      losses.push(loss);
    },
  );
  const after = weights();
  if (!after.every((values) => values.every(Number.isFinite))) throw new Error('training gives no numbers');
  const changed = after.filter((values, i) => values.some((x, j) => x !== before[i]![j])).length;
  if (changed < after.length) throw new Error(`training changes ${changed} of ${after.length} parameters`);
  if (!(losses.at(-1)! < losses[0]!)) throw new Error(`training does not learn: loss ${losses.join(', ')}`);
}

async function tryPrecision(kind: EngineKind, precision: Precision): Promise<Trial> {
  try {
    const engine = await startEngine(kind.name, { precision });
    multiply(precision);
    await learn();
    return { precision, works: true, detail: engine.describe() };
  } catch (error) {
    return {
      precision,
      works: false,
      detail: String(error instanceof Error ? error.message : error).split('\n')[0]!,
    };
  }
}

const tell = (news: object) => new Promise<void>((resolve) => process.send!(news, () => resolve()));

async function tryEngine(kind: EngineKind, told: (news: News) => Promise<void>): Promise<void> {
  const needs = await kind.needs();
  await told({ needs });
  if (missingOf(needs)) return;
  if (kind.gpu) await told({ gpu: await kind.gpu() });
  for (const precision of kind.precisions) await told({ trial: await tryPrecision(kind, precision) });
}

const [name, ...rest] = process.argv.slice(2);
if (name === 'gpu') await tryGpu(rest, tell);
else await tryEngine(KINDS[name as EngineName], tell);
await tell({ done: true });
process.disconnect();
