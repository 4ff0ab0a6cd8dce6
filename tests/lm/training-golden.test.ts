// A training with all that AdamW can do wrong, against PyTorch's: goldens/training.py says how that was made.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { disposeAdamState } from '../../src/engine/fused.js';
import { gpt2Config } from '../../src/lm/architectures/gpt2.js';
import type { Example } from '../../src/lm/batch.js';
import { CausalLM } from '../../src/lm/model.js';
import { type TrainOptions, train } from '../../src/lm/train.js';
import { settings, use } from '../engine/harness.js';

interface Golden {
  steps: { lr: number; loss: number; gradNorm: number }[];
  weights: Record<string, { first: number[]; norm: number }>;
}
const golden: Golden = JSON.parse(
  readFileSync(join(import.meta.dirname, 'goldens', 'training.json'), 'utf8'),
);

const sizes = { n_layer: 2, n_head: 2, n_embd: 8, n_positions: 16, vocab_size: 19 };
const options: Partial<TrainOptions> = {
  ...{ steps: 16, warmup: 4, lr: 2e-2, decay: 'cosine', floor: 0.1 },
  ...{ clip: 2, betas: [0.8, 0.95], eps: 1e-8, weightDecay: 0.1 },
};

/** A number in [0, 1) for each whole number. */
const number = (i: number) => Number((BigInt(i) * 2654435761n + 12345n) % 2n ** 32n) / 2 ** 32;

const TEXTS = 4;
const textsOf = (step: number): Example[] =>
  Array.from({ length: TEXTS }, (_, i) => {
    const text = step * TEXTS + i;
    const length = 4 + Math.floor(number(1000 + text) * 9);
    const ids = Array.from({ length }, (_, t) => Math.floor(number(5000 + 100 * text + t) * 19));
    return { ids, weights: ids.map((_, t) => (2 * t < length ? 0.3 : 1)) };
  });

function model(): CausalLM {
  const config = gpt2Config(sizes);
  let count = 0;
  const values = new Map(
    config.parameters.map(({ name, shape }) => {
      const length = shape.reduce((product, n) => product * n, 1);
      const isScale = /ln_\w+\.weight$/.test(name);
      const data = Float32Array.from(
        { length },
        (_, i) => Math.fround(number(count + i) - 0.5) + (isScale ? 1 : 0),
      );
      count += length;
      return [name, data];
    }),
  );
  return CausalLM.from(config, values);
}

/** The largest error of losses and gradient norms, and of weights, relative to 1 + |golden|. */
async function errors(extra: Partial<TrainOptions> = {}): Promise<{ steps: number; weights: number }> {
  const lm = model();
  const error = (is: number, golden: number) => Math.abs(is - golden) / (1 + Math.abs(golden));
  const found = { steps: 0, weights: 0 };
  const state = await train(lm, textsOf, { ...options, ...extra }, ({ step, loss, gradNorm, lr }) => {
    const of = golden.steps[step - 1]!;
    if (Object.keys(extra).length === 0) expect(lr).toBeCloseTo(of.lr, 12);
    found.steps = Math.max(found.steps, error(loss, of.loss), error(gradNorm, of.gradNorm));
  });
  disposeAdamState(state);
  for (const [name, { first, norm }] of Object.entries(golden.weights)) {
    const data = lm.params.get(name)!.dataSync();
    first.forEach((value, i) => {
      found.weights = Math.max(found.weights, error(data[i]!, value));
    });
    found.weights = Math.max(found.weights, error(Math.hypot(...data), norm));
  }
  lm.dispose();
  return found;
}

/**
 * The golden is of float64. A gradient of float32 has an error of some 1e-7 of the largest terms in it; Adam divides by its own size, so
 * where terms cancel, weights move by lr times that ratio, and the next losses with them. Measured: 7e-6 of losses and gradients (plain
 * JavaScript; the engines less), and 2e-7 of weights.
 */
const TOLERANCE = { steps: 4e-5, weights: 2e-6 };

test('the golden clips some steps and not others', () => {
  expect(golden.steps.filter(({ gradNorm }) => gradNorm > 2.1).length).toBeGreaterThan(3);
  expect(golden.steps.filter(({ gradNorm }) => gradNorm < 1.9).length).toBeGreaterThan(3);
});

describe.each(settings.filter((name) => !name.includes(' ')))('on %s', (backend) => {
  beforeAll(() => use(backend));
  afterAll(() => use('js'));

  test('16 steps are PyTorch’s', async () => {
    const { steps, weights } = await errors();
    expect(steps).toBeLessThan(TOLERANCE.steps);
    expect(weights).toBeLessThan(TOLERANCE.weights);
  });
});

describe('what would be another training is', () => {
  const others: [what: string, extra: Partial<TrainOptions>][] = [
    ['swapped betas', { betas: [0.95, 0.8] }],
    ['no clipping', { clip: 0 }],
    ['another clipping', { clip: 2.1 }],
    ['no decay', { weightDecay: 0 }],
    ['no warm-up', { warmup: 0 }],
    ['a warm-up a step shorter', { warmup: 3 }],
    ['no cosine', { decay: 'constant' }],
    ['another floor', { floor: 0 }],
    ['another eps', { eps: 1e-4 }],
  ];
  beforeAll(() => use('js'));

  test.each(others)('%s: a hundred tolerances away', async (_, extra) => {
    const { steps, weights } = await errors(extra);
    expect(Math.max(steps / TOLERANCE.steps, weights / TOLERANCE.weights)).toBeGreaterThan(100);
  });
});
