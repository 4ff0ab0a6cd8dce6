import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startEngine } from '../../src/engine/index.js';
import { type Measured, measureRows } from '../../src/ilf/measure.js';
import { gpt2Config } from '../../src/lm/architectures/gpt2.js';
import { CausalLM } from '../../src/lm/model.js';
import { scoreCompletions } from '../../src/lm/score.js';
import {
  longestOf,
  measureOutputs,
  measureRefining,
  type RefinedPost,
  scoreOutputs,
} from '../../src/measure/estimates.js';
import { klSampling, measureKl, sampleForKl } from '../../src/measure/kl.js';
import { measurePosterior } from '../../src/measure/posterior.js';
import { type Oracle, oracleOf } from '../../src/measure/scorer.js';
import { briefs } from '../../src/tasks/briefs/task.js';
import type { TextModel } from '../../src/writers/text-model.js';

/** Outputs are numbers written out; a feedback's one point is settled by outputs of at least that number. */
const oracle: Oracle = {
  unit: 'the number itself',
  score: (_, output) => Number(output),
  incorporated: (_, points, refinement) => Math.min(1, Number(refinement) / (points as number)),
  byKind: (_, points, refinement) => [
    { kind: points === 0.5 ? 'easy' : 'hard', settled: Number(refinement) >= (points as number) },
  ],
};
const context = (id: string) => ({ id, text: id });

describe('outputs', () => {
  it('by hand', () => {
    const contexts = ['a', 'b', 'c', 'd'].map((id) => ({ ...context(id), gold: '1' }));
    const scores = scoreOutputs(oracle, contexts, {
      base: ['0.2', '0.4', '0.6', '1'],
      tuned: ['0.4', '0.4', '1', '0.8'],
    });
    const { winRate, score } = measureOutputs(scores);
    // Won, drawn, won, lost.
    expect(winRate.tunedVsBase).toMatchObject({ value: 2.5 / 4, n: 4 });
    expect(winRate.tunedVsGold!.value).toBe(0.5 / 4);
    expect(winRate.baseVsGold!.value).toBe(0.5 / 4);
    expect(score.base!.value).toBeCloseTo(0.55, 12);
    expect(score.tuned!.value).toBeCloseTo(0.65, 12);
    expect(score.tunedMinusBase!.value).toBeCloseTo(0.1, 12);
    expect(score.gold!.value).toBe(1);
  });
});

describe('refinements', () => {
  const posts: RefinedPost[] = [
    {
      context: context('a'),
      points: 0.5,
      feedback: ['0.25', '0.5', '0.750'],
      noFeedback: ['0.1', '0.2', '0.9'],
      shuffledFeedback: ['0.1', '0.2', '0.3'],
      scores: [0.1, 0.9, 0.5],
      selected: 1,
    },
    {
      context: context('b'),
      points: 0.8,
      feedback: ['0.4000', '0.8', '0.2'],
      noFeedback: ['0.1', '0.1', '0.1'],
      shuffledFeedback: ['0.8', '0.1', '0.1'],
      scores: [0.3, 0.2, 0.1],
      selected: 0,
    },
  ];
  const measured = measureRefining(oracle, posts);

  it('share of whole feedback incorporated, over all candidates', () => {
    const { incorporated } = measured;
    expect(incorporated.feedback!.value).toBeCloseTo((2 / 3 + 1 / 3) / 2, 12);
    expect(incorporated.noFeedback!.value).toBeCloseTo((1 / 3 + 0) / 2, 12);
    expect(incorporated.shuffledFeedback!.value).toBeCloseTo((0 + 1 / 3) / 2, 12);
    expect(measured.byKind.easy!.value).toBeCloseTo(2 / 3, 12);
    expect(measured.byKind.hard!.value).toBeCloseTo(1 / 3, 12);
  });

  it('the pick, the longest, and the expectation of a random pick', () => {
    const { ranking, rankingIncorporated } = measured;
    expect(ranking.picked!.value).toBeCloseTo((0.5 + 0.4) / 2, 12);
    expect(ranking.longest!.value).toBeCloseTo((0.75 + 0.4) / 2, 12);
    expect(ranking.random!.value).toBeCloseTo((0.5 + 1.4 / 3) / 2, 12);
    expect(ranking.pickedMinusRandom!.value).toBeCloseTo(0.45 - (0.5 + 1.4 / 3) / 2, 12);
    expect(rankingIncorporated.picked.value).toBe(0.5);
    expect(rankingIncorporated.random.value).toBeCloseTo(0.5, 12);
  });

  it('pairs within a post, by the share of points settled', () => {
    // a: 0.5 < 1 = 1, scored 0.1 < 0.9, 0.1 < 0.5: 2 of 2. b: 0.25 < 0.5 < 1, scored 0.1 < 0.3 > 0.2: 2 of 3.
    expect(measured.ranking.pairAccuracy!.value).toBeCloseTo(4 / 5, 12);
  });

  it('no pair accuracy where the oracle tells no two apart, no shuffled feedback where there is no other post', () => {
    const same = { ...posts[0]!, feedback: ['0.1', '0.1', '0.1'], shuffledFeedback: [] };
    const { ranking, incorporated } = measureRefining(oracle, [same]);
    expect(ranking.pairAccuracy).toBeUndefined();
    expect(incorporated.shuffledFeedback).toBeUndefined();
  });

  it('rows by their names in result.json', () => {
    const rows = measureRows({ measures: { ...measured }, outputs: [], ...measured } as unknown as Measured);
    expect(rows.map(({ measure }) => measure)).toEqual(
      expect.arrayContaining([
        'incorporated.feedback',
        'ranking.incorporated.random',
        'incorporated.byKind.easy',
      ]),
    );
  });

  it('the first of the longest', () => {
    expect(longestOf(['ab', 'abc', 'abd'])).toBe(1);
  });
});

it('the embedded world has an oracle, other data have none', () => {
  const [post] = briefs.contexts('heldout', 0, 1);
  const found = oracleOf('briefs', [post!])!;
  expect(found.score(post!, post!.gold!)).toBe(1);
  const { text, points } = briefs.annotate!(post!, 'Someone did something.', 'key');
  expect(text).not.toBe('');
  expect(found.incorporated(post!, points, post!.gold!)).toBe(1);
  expect(found.incorporated(post!, points, 'Someone did something.')).toBe(0);
  expect(oracleOf('briefs', [{ id: '1', text: 'a file that is called briefs' }])).toBeNull();
  expect(oracleOf('own', [post!])).toBeNull();
});

describe('the posterior', () => {
  const row = { context: 'a', text: '', logprob_base: -3, logprob_refiner: -3 };
  it('weighs by the ranker alone where prior and proposal agree', () => {
    const refinements = [0, 1].map((candidate) => ({ ...row, candidate }));
    const scores = [0.5, 0.75].map((mean, candidate) => ({
      context: 'a',
      candidate,
      per_prompt: [mean],
      mean,
      selected: candidate === 1,
    }));
    const { weights, logEvidence, ess } = measurePosterior(refinements, scores, 4 * Math.log(3), true);
    expect(weights![0]![0]).toBeCloseTo(0.75, 12);
    expect(ess!.value).toBeCloseTo(1 / (0.75 ** 2 + 0.25 ** 2), 12);
    expect(logEvidence!.value).toBeCloseTo(Math.log(0.625), 12);
    // Scores that are no probabilities, say lengths or log-odds, have no evidence; some have no logarithm.
    const lengths = scores.map((score) => ({ ...score, mean: -score.mean }));
    expect(measurePosterior(refinements, lengths, 1, false).logEvidence).toBeUndefined();
  });
});

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
        tokenizer: { vocabSize: V, eos, encode: () => [0], decode: () => '' },
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
    const contexts = Array.from({ length: 1500 }, (_, i) => context(String(i)));
    const settings = { tunedFromBase: klSampling(most, 7), baseFromTuned: klSampling(most, 8) };
    const rows = await sampleForKl(tuned, base, contexts, settings, () => {});
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
