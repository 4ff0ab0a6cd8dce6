import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { posteriorWeights } from '../../src/bayes/posterior.js';
import { startEngine } from '../../src/engine/index.js';
import { toExample } from '../../src/ilf/finetune.js';
import { fromTargetRows, type TargetData, targetsOf, toTargetRow } from '../../src/ilf/targets.js';
import { totalWeight } from '../../src/lm/batch.js';
import { gpt2Config } from '../../src/lm/architectures/gpt2.js';
import { CausalLM } from '../../src/lm/model.js';
import { crossEntropy } from '../../src/lm/train.js';
import { feedbackThenOutput, outputIn, roomFor } from '../../src/pipeline/policy.js';
import { TARGETS, type TargetsName } from '../../src/pipeline/targets-names.js';
import { summaryPrompt } from '../../src/tasks/prompts.js';
import type { TextModel } from '../../src/writers/text-model.js';
import { scoreTexts } from '../../src/writers/texts.js';

const ids = ['a', 'b', 'c'];
const contexts = ids.map((id) => ({ id, text: `post ${id}`, gold: `gold ${id}` }));
const data: TargetData = {
  contexts,
  // In another order: rows are found by their context.
  initial: [...ids].reverse().map((context) => ({ context, text: `x0 ${context}` })),
  feedback: [...ids].reverse().map((context) => ({ context, text: `f ${context}` })),
  refinements: ids.flatMap((context, i) =>
    [0, 1, 2].map((candidate) => ({
      context,
      candidate,
      text: `x1 ${context}${candidate}`,
      logprob_refiner: -4 - candidate,
      logprob_base: -6 + i * candidate,
    })),
  ),
  scores: ids.flatMap((context, i) =>
    [0, 1, 2].map((candidate) => ({
      context,
      candidate,
      per_prompt: [],
      mean: [0.2, 0.5, 0.4][candidate]! + i / 10,
      selected: candidate === 1,
    })),
  ),
};
const said = (kind: TargetsName, of = data, seed = 0) =>
  targetsOf(kind, of, 2, seed).map(({ context, text, weight }) => [context.id, text, weight]);

describe('targets', () => {
  it('of one text a context', () => {
    expect(said('ilf')).toEqual(ids.map((id) => [id, `x1 ${id}1`, 1]));
    expect(said('initial')).toEqual(ids.map((id) => [id, `x0 ${id}`, 1]));
    expect(said('gold')).toEqual(ids.map((id) => [id, `gold ${id}`, 1]));
    expect(said('feedback-refinement')).toEqual(ids.map((id) => [id, `f ${id} New summary: x1 ${id}1`, 1]));
  });

  it('of the controls are any refinement, by the seed and the context alone', () => {
    const unranked = { ...data, scores: [] };
    for (const kind of ['no-feedback', 'shuffled-feedback'] as const) {
      const seeds = Array.from({ length: 30 }, (_, seed) => said(kind, unranked, seed));
      for (const [i, id] of ids.entries()) {
        const texts = new Set(seeds.map((targets) => targets[i]![1]));
        expect([...texts].sort()).toEqual([0, 1, 2].map((candidate) => `x1 ${id}${candidate}`));
      }
      expect(said(kind, { ...unranked, contexts: contexts.slice(2) }, 7)).toEqual([seeds[7]![2]]);
    }
  });

  it('of the posterior are all refinements by their weights, which sum to 1', () => {
    const targets = targetsOf('posterior', data, 2, 0);
    for (const [i, id] of ids.entries()) {
      const own = targets.filter(({ context }) => context.id === id);
      const { weights } = posteriorWeights({
        rewards: [0, 1, 2].map((candidate) => [0.2, 0.5, 0.4][candidate]! + i / 10),
        logPrior: [0, 1, 2].map((candidate) => -6 + i * candidate),
        logProposal: [-4, -5, -6],
        beta: 2,
      });
      expect(own.map(({ text }) => text)).toEqual([0, 1, 2].map((candidate) => `x1 ${id}${candidate}`));
      own.forEach(({ weight }, j) => {
        expect(weight).toBeCloseTo(weights[j]!, 12);
      });
    }
  });

  it('leave out what says nothing, and what weighs next to nothing', () => {
    const refinements = data.refinements.map((row) =>
      row.context === 'a' && row.candidate === 1
        ? { ...row, text: '' }
        : row.context === 'b' && row.candidate === 0
          ? { ...row, logprob_base: -16 }
          : row,
    );
    const gaps = { ...data, refinements };
    for (const kind of ['ilf', 'feedback-refinement'] as const)
      expect(said(kind, gaps).map(([id]) => id)).toEqual(['b', 'c']);
    const texts = targetsOf('posterior', gaps, 2, 0);
    expect(texts.map(({ text }) => text).slice(0, 4)).toEqual(['x1 a0', 'x1 a2', 'x1 b1', 'x1 b2']);
    for (const id of ids) {
      const own = texts.filter(({ context }) => context.id === id);
      expect(own.reduce((sum, { weight }) => sum + weight, 0)).toBeCloseTo(1, 12);
    }
  });

  it('say what is missing', () => {
    const [first] = contexts;
    const { gold: _, ...without } = first!;
    expect(() => said('gold', { ...data, contexts: [without] })).toThrow(/context a has no reference/);
    const scores = data.scores.filter(({ candidate }) => candidate < 2);
    expect(() => said('posterior', { ...data, scores })).toThrow(/refinement 2 of context a has no score/);
  });

  it('are the same from their table, which must belong to the contexts', () => {
    for (const kind of TARGETS) {
      const targets = targetsOf(kind, data, 2, 0);
      expect(fromTargetRows(targets.map(toTargetRow), contexts)).toEqual(targets);
    }
    const row = { context: 'd', text: 'x', weight: 1 };
    expect(() => fromTargetRows([row], contexts)).toThrow(/context d, which the contexts have not/);
    for (const weight of [0, -1, Number.NaN, Number.POSITIVE_INFINITY])
      expect(() => fromTargetRows([{ ...row, context: 'a', weight }], contexts)).toThrow(/must be above 0/);
  });
});

describe('feedback and an output on one line', () => {
  it('come apart again, where the model wrote both', () => {
    const both = 'feedback and output';
    expect(outputIn(feedbackThenOutput('Say when.', 'Dana left today.'), both)).toBe('Dana left today.');
    expect(outputIn('Say when. New summary:', both)).toBe('');
    expect(outputIn('Dana left today.', both)).toBe('Dana left today.');
    expect(outputIn('A New summary: b', 'output')).toBe('A New summary: b');
    expect(roomFor('output', 8)).toBe(8);
    expect(roomFor(both, 8)).toBe(72);
  });
});

describe('the loss', () => {
  // A character is a token.
  const tokenizer = {
    vocabSize: 128,
    eos: 0,
    encode: (text: string) => [...text].map((c) => c.charCodeAt(0)),
    decode: (tokens: ArrayLike<number>) => String.fromCharCode(...Array.from(tokens)),
  };
  let model: TextModel;
  beforeAll(async () => {
    await startEngine();
    const sizes = { n_layer: 1, n_head: 2, n_embd: 16, n_positions: 64, vocab_size: 128 };
    model = { dir: 'model', lm: CausalLM.init(gpt2Config(sizes), 3), tokenizer };
  });
  afterAll(() => model.lm.dispose());

  it('is −Σ ω log π_θ of the targets, over the weight of their tokens', async () => {
    const targets = targetsOf('posterior', data, 2, 0);
    const examples = targets.map((target) => toExample(model, target, 0));
    const { loss, grads } = crossEntropy(model.lm, examples, 4096);
    for (const grad of grads!) grad.dispose();
    const pairs = targets.map(({ context, text }) => ({ prompt: summaryPrompt(context.text), text }));
    const names = targets.map(({ context }) => context.id);
    const logprobs = await scoreTexts(model, pairs, names, () => {});
    const expected = -targets.reduce((sum, { weight }, i) => sum + weight * logprobs[i]!, 0);
    expect(loss * totalWeight(examples)).toBeCloseTo(expected, 3);
    expect(expected).toBeGreaterThan(10);
  });
});
