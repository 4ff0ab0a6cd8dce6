/**
 * A model trained with activations in bfloat16 learns as one trained in float32 does. (That it resumes bit for bit and does
 * not depend on batches is in train.test.ts and score.test.ts, which run in both precisions.)
 */
import { afterAll, describe, expect, test } from 'vitest';
import { disposeAdamState } from '../../src/engine/fused.js';
import type { Example } from '../../src/lm/batch.js';
import { randomStream } from '../../src/lm/random.js';
import { train } from '../../src/lm/train.js';
import { hasAddon, use } from '../engine/harness.js';
import { tinyLM } from './helpers.js';

const SIZES = { n_layer: 2, n_head: 2, n_embd: 32, n_positions: 24, vocab_size: 40 };
const STEPS = 200;
/** Of a chain's next token, given the last one, in nats. */
const entropy = -[0.85, 0.1, 0.05].reduce((sum, p) => sum + p * Math.log(p), 0);

/** 16 texts of 24 tokens for a step. After token a comes 7a + 1 (mod V) with probability 0.85, 7a + 4 with 0.1, else 7a + 9. */
function chains(step: number): Example[] {
  const uniform = randomStream(3, step);
  const next = (a: number) => {
    const u = uniform();
    return (7 * a + (u < 0.85 ? 1 : u < 0.95 ? 4 : 9)) % SIZES.vocab_size;
  };
  return Array.from({ length: 16 }, () => {
    const ids = [Math.floor(uniform() * SIZES.vocab_size)];
    while (ids.length < SIZES.n_positions) ids.push(next(ids.at(-1)!));
    return { ids, weights: ids.map(() => 1) };
  });
}

async function losses(engine: string): Promise<number[]> {
  await use(engine);
  const lm = tinyLM(4, SIZES);
  const out: number[] = [];
  disposeAdamState(
    await train(lm, chains, { steps: STEPS, lr: 1e-2, warmup: 10 }, ({ loss }) => void out.push(loss)),
  );
  lm.dispose();
  return out;
}

describe.runIf(hasAddon)('training in bfloat16', () => {
  afterAll(() => use('js'));

  test('follows training in float32', async () => {
    const [floats, halves] = [await losses('cpu'), await losses('cpu bfloat16')];
    const mean = (x: number[]) => x.reduce((a, b) => a + b) / x.length;
    // From ln 40 = 3.69 (and a bit, for weights that are not 0) to 0.56; the chains' entropy is 0.52 nats a token.
    expect(floats[0]).toBeGreaterThan(3.6);
    expect(mean(floats.slice(-20))).toBeLessThan(1.15 * entropy);
    expect(halves).not.toEqual(floats);
    // Of two trajectories that rounding sets apart, measured: 0.45 % at the worst step, 0.08 % in the worst mean of 20.
    floats.forEach((loss, step) => {
      expect(Math.abs(halves[step]! / loss - 1)).toBeLessThan(0.01);
    });
    for (let step = 0; step < STEPS; step += 20) {
      const [a, b] = [floats, halves].map((x) => mean(x.slice(step, step + 20))) as [number, number];
      expect(Math.abs(b / a - 1)).toBeLessThan(0.003);
    }
  });
});
