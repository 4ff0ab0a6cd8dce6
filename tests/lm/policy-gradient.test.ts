// The policy gradient through a whole model, against differences of the expected reward over all completions.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sumOfLosses } from '../../src/engine/fused.js';
import * as tf from '../../src/engine/tf.js';
import type { CausalLM } from '../../src/lm/model.js';
import { policyGradient } from '../../src/lm/policy-gradient.js';
import { scoreCompletions } from '../../src/lm/score.js';
import { backends, noise, use } from '../engine/harness.js';
import { tinyLM } from './helpers.js';

const V = 5;
const prompt = [3, 1];
/** All completions of at most 2 tokens, 0 being the end. */
const completions = [...Array(V).keys()].flatMap((first) =>
  first === 0 ? [[0]] : [...Array(V).keys()].map((second) => [first, second]),
);
const rewards = noise(completions.length, 4);

async function chances(lm: CausalLM): Promise<number[]> {
  const logprobs = await scoreCompletions(
    lm,
    completions.map((completion) => ({ prompt, completion })),
  );
  return logprobs.map((of) => Math.exp(of.reduce((a, b) => a + b, 0)));
}
const expectedReward = async (lm: CausalLM) =>
  (await chances(lm)).reduce((sum, chance, i) => sum + chance * rewards[i]!, 0);

function model(): CausalLM {
  const lm = tinyLM(5, { n_layer: 1, n_head: 2, n_embd: 8, n_positions: 8, vocab_size: V });
  for (const name of ['wte.weight', 'wpe.weight']) {
    const v = lm.params.get(name)!;
    tf.tidy(() => v.assign(v.mul(8)));
  }
  return lm;
}

describe.each(backends.filter((name) => name !== 'webgpu'))('the policy gradient on %s', (backend) => {
  beforeAll(() => use(backend));
  afterAll(() => use('js'));

  test('is minus the gradient of the expected reward where every completion weighs its probability', async () => {
    const lm = model();
    const all = await chances(lm);
    expect(all.reduce((a, b) => a + b)).toBeCloseTo(1, 5);
    const rollouts = completions.map((completion, i) => ({
      prompt,
      completion,
      advantage: completions.length * all[i]! * rewards[i]!,
    }));
    // In one rectangle and in many.
    for (const maxTokens of [4096, 4]) {
      const { losses, grads } = policyGradient(lm, rollouts, maxTokens);
      for (const [p, [name, v]] of [...lm.params].entries()) {
        const grad = grads![p]!.dataSync() as Float32Array;
        const size = Math.sqrt(grad.reduce((sum, x) => sum + x * x, 0));
        if (size < 1e-5) continue;
        const value = Float32Array.from(v.dataSync());
        const at = async (step: number) => {
          tf.tidy(() =>
            v.assign(
              tf.tensor(
                value.map((x, i) => x + (step * grad[i]!) / size),
                v.shape,
              ),
            ),
          );
          return expectedReward(lm);
        };
        const slope = ((await at(5e-3)) - (await at(-5e-3))) / 1e-2;
        tf.tidy(() => v.assign(tf.tensor(value, v.shape)));
        expect(Math.abs(slope + size), name).toBeLessThan(1e-4 + 2e-3 * size);
      }
      tf.dispose([...losses, ...grads!]);
    }
    lm.dispose();
  });

  test('weighs completions alike, whatever their lengths, and nothing of their prompts', () => {
    const lm = model();
    const short = { prompt, completion: [0], advantage: 1 };
    const long = { prompt, completion: [2, 3, 4, 1], advantage: -2 };
    const of = (rollouts: (typeof short)[]) => {
      const { losses, grads } = policyGradient(lm, rollouts, 4096);
      const loss = sumOfLosses(losses);
      tf.dispose([...losses, ...(grads ?? [])]);
      return loss;
    };
    expect(of([short, long])).toBeCloseTo((of([short]) + of([long])) / 2, 5);
    expect(policyGradient(lm, [{ ...short, advantage: 0 }], 4096).grads).toBeNull();
    lm.dispose();
  });
});
