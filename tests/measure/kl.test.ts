import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startEngine } from '../../src/engine/index.js';
import { gpt2Config } from '../../src/lm/architectures/gpt2.js';
import { CausalLM } from '../../src/lm/model.js';
import { scoreCompletions } from '../../src/lm/score.js';
import { contextPrompts, klSampling, measureKl, sampleBothWays } from '../../src/measure/kl.js';
import { briefs } from '../../src/tasks/briefs/task.js';
import type { TextModel } from '../../src/writers/text-model.js';

describe('KL between two models small enough to enumerate', () => {
  // Five tokens, texts of at most three; 4 ends a text. Every prompt is the token 0.
  const V = 5;
  const eos = 4;
  const most = 3;
  const sizes = { n_layer: 1, n_head: 1, n_embd: 8, n_positions: 8, vocab_size: V };
  const models: TextModel[] = [];

  beforeAll(async () => {
    await startEngine();
    for (const seed of [1, 2]) {
      const lm = CausalLM.init(gpt2Config(sizes), seed);
      lm.wte.assign(lm.wte.mul(seed === 1 ? 8 : 4));
      models.push({
        dir: `model ${seed}`,
        lm,
        tokenizer: {
          vocabSize: V,
          eos,
          ends: [eos],
          begin: [],
          key: 'five',
          encode: () => [0],
          decode: () => '',
        },
      });
    }
  });
  afterAll(() => {
    for (const { lm } of models) lm.dispose();
  });

  /** All texts with their exact probabilities under both. */
  async function exactKl(q: TextModel, p: TextModel): Promise<number> {
    const texts: number[][] = [];
    const grow = (text: number[]): void => {
      if (text.length === most || text.at(-1) === eos) texts.push(text);
      else for (let v = 0; v < V; v++) grow([...text, v]);
    };
    grow([]);
    const items = texts.map((completion) => ({ prompt: [0], completion }));
    const log = async ({ lm }: TextModel) =>
      (await scoreCompletions(lm, items)).map((of) => of.reduce((sum, lp) => sum + lp, 0));
    const [logQ, logP] = [await log(q), await log(p)];
    expect(logQ.reduce((sum, lq) => sum + Math.exp(lq), 0)).toBeCloseTo(1, 5);
    return logQ.reduce((sum, lq, i) => sum + Math.exp(lq) * (lq - logP[i]!), 0);
  }

  it('both directions, every estimator, agree with the sum over all texts', async () => {
    const [tuned, base] = models as [TextModel, TextModel];
    const contexts = Array.from({ length: 1500 }, (_, i) => ({ id: String(i), text: '' }));
    const settings = { tunedFromBase: klSampling(most, 7), baseFromTuned: klSampling(most, 8) };
    const promptsOf = (q: TextModel) => contextPrompts(q, briefs, contexts, most);
    const prompts = { tunedFromBase: promptsOf(tuned), baseFromTuned: promptsOf(base) };
    const rows = await sampleBothWays({ tuned, base, prompts, n: 1, settings, ends: [eos] }, () => {});
    const kl = measureKl(rows, settings);
    for (const [direction, exact] of [
      ['tunedFromBase', await exactKl(tuned, base)],
      ['baseFromTuned', await exactKl(base, tuned)],
    ] as const) {
      const result = kl[direction];
      expect(exact).toBeGreaterThan(0.05);
      for (const name of ['raoBlackwell', 'k1', 'k3TokenSum'] as const) {
        const { value, lo, hi } = result[name]!;
        // Three half-widths of the 95% interval: six standard errors.
        expect(Math.abs(value - exact), `${direction} ${name}`).toBeLessThan(1.5 * (hi - lo));
      }
      expect(result.raoBlackwell!.hi - result.raoBlackwell!.lo).toBeLessThan(result.k1.hi - result.k1.lo);
      expect(result).toMatchObject({ contexts: 1500, samples: 1500, conditional: true });
    }
    expect(kl.tunedFromBase.direction).toBe('KL(tuned ‖ base)');
  });
});
