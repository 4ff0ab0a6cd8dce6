import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { posteriorWeights } from '../../src/bayes/posterior.js';
import { sumOfLosses } from '../../src/engine/fused.js';
import { startEngine } from '../../src/engine/index.js';
import { toExample } from '../../src/ilf/finetune.js';
import { targetKind, targetKinds } from '../../src/ilf/target-kinds.js';
import { fromTargetRows, type TargetData, targetsCommand, targetsOf } from '../../src/ilf/targets.js';
import { gpt2Config } from '../../src/lm/architectures/gpt2.js';
import { totalWeight } from '../../src/lm/batch.js';
import { CausalLM } from '../../src/lm/model.js';
import { scoreCompletions } from '../../src/lm/score.js';
import { crossEntropy } from '../../src/lm/train.js';
import { feedbackThenOutput, formatOf, outputIn, roomFor } from '../../src/pipeline/policy.js';
import { seedOf } from '../../src/pipeline/seeds.js';
import {
  contextsTable,
  feedbackTable,
  initialTable,
  refinementsTable,
  scoresTable,
  targetsTable,
  toContextRow,
} from '../../src/pipeline/tables.js';
import { readTable, writeTable } from '../../src/store/tables.js';
import { briefs } from '../../src/tasks/briefs/task.js';
import { manyLines, oneLine, type TextFormat } from '../../src/tasks/text-format.js';
import type { TextModel } from '../../src/writers/text-model.js';
import { given, type Written } from '../../src/writers/writer.js';
import { scratchFolder } from '../store/folder.js';

// A character is a token.
const tokenizer = {
  vocabSize: 128,
  eos: 0,
  ends: [0],
  begin: [],
  key: 'characters',
  encode: (text: string) => [...text].map((c) => c.charCodeAt(0)),
  decode: (tokens: ArrayLike<number>) => String.fromCharCode(...Array.from(tokens)),
};
/** As a model wrote it that does not begin with a space: other tokens than those of the text as it is encoded. */
const written = (text: string): Written => ({
  text,
  ids: [...tokenizer.encode(text), tokenizer.eos],
  tokenizer: tokenizer.key,
});

const ids = ['a', 'b', 'c'];
const contexts = ids.map((id) => ({ id, text: `post ${id}`, gold: `gold ${id}` }));
const data: TargetData = {
  contexts,
  // In another order: rows are found by their context.
  initial: [...ids].reverse().map((context) => ({ context, ...written(`x0 ${context}`) })),
  feedback: [...ids].reverse().map((context) => ({ context, text: `f ${context}` })),
  refinements: ids.flatMap((context, i) =>
    [0, 1, 2].map((candidate) => ({
      context,
      candidate,
      ...written(`x1 ${context}${candidate}`),
      logprob_refiner: -4 - candidate,
      logprob_base: -6 + i * candidate,
      told: 'own',
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
const { prompts } = briefs;
const how = { beta: 2, seed: 0, prompts };
const said = (kind: string, of = data, seed = 0) =>
  targetsOf(kind, of, { ...how, seed }).map(({ context, written: { text }, weight }) => [
    context.id,
    text,
    weight,
  ]);

describe('targets', () => {
  it('of one text a context', () => {
    expect(said('ilf')).toEqual(ids.map((id) => [id, `x1 ${id}1`, 1]));
    expect(said('initial')).toEqual(ids.map((id) => [id, `x0 ${id}`, 1]));
    expect(said('gold')).toEqual(ids.map((id) => [id, `gold ${id}`, 1]));
    expect(said('feedback-refinement')).toEqual(ids.map((id) => [id, `f ${id} New summary: x1 ${id}1`, 1]));
  });

  it('have the tokens that were sampled, and none where the text was given or put together', () => {
    const tokens = (kind: string) => targetsOf(kind, data, how).map((target) => target.written);
    expect(tokens('ilf')).toEqual(ids.map((id) => written(`x1 ${id}1`)));
    expect(tokens('posterior').slice(0, 3)).toEqual([0, 1, 2].map((i) => written(`x1 a${i}`)));
    expect(tokens('initial')[0]).toEqual(written('x0 a'));
    expect(tokens('gold')[0]).toEqual(given('gold a'));
    expect(tokens('feedback-refinement')[0]).toEqual(given('f a New summary: x1 a1'));
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
    const targets = targetsOf('posterior', data, how);
    for (const [i, id] of ids.entries()) {
      const own = targets.filter(({ context }) => context.id === id);
      const { weights } = posteriorWeights({
        rewards: [0, 1, 2].map((candidate) => [0.2, 0.5, 0.4][candidate]! + i / 10),
        logPrior: [0, 1, 2].map((candidate) => -6 + i * candidate),
        logProposal: [-4, -5, -6],
        beta: 2,
      });
      expect(own.map((target) => target.written.text)).toEqual(
        [0, 1, 2].map((candidate) => `x1 ${id}${candidate}`),
      );
      own.forEach(({ weight }, j) => {
        expect(weight).toBeCloseTo(weights[j]!, 12);
      });
    }
  });

  it('leave out what says nothing, and what weighs next to nothing', () => {
    const refinements = data.refinements.map((row) =>
      row.context === 'a' && row.candidate === 1
        ? { ...row, ...written('') }
        : row.context === 'b' && row.candidate === 0
          ? { ...row, logprob_base: -16 }
          : row,
    );
    const gaps = { ...data, refinements };
    for (const kind of ['ilf', 'feedback-refinement'] as const)
      expect(said(kind, gaps).map(([id]) => id)).toEqual(['b', 'c']);
    const texts = targetsOf('posterior', gaps, how);
    expect(texts.map((target) => target.written.text).slice(0, 4)).toEqual([
      'x1 a0',
      'x1 a2',
      'x1 b1',
      'x1 b2',
    ]);
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

  describe('in a table', () => {
    const dir = scratchFolder();
    const table = (name: string) => join(dir, `${name}.arrow`);
    const paths = Object.fromEntries(
      ['contexts', 'initial', 'feedback', 'refinements', 'scores'].map((name) => [name, table(name)]),
    ) as Record<'contexts' | 'initial' | 'feedback' | 'refinements' | 'scores', string>;
    const place = { seed: 0, round: 1 };
    const made = async (kind: string, told: string = targetKind(kind).condition) => {
      const out = table(`targets-${kind}`);
      const refinements = table(`refinements-${told}`);
      await targetsCommand({ ...paths, refinements, task: briefs, kind, out, beta: how.beta, place });
      return fromTargetRows(await readTable(out, targetsTable), contexts);
    };
    beforeAll(async () => {
      await writeTable(paths.contexts, contextsTable, contexts.map(toContextRow));
      const initial = data.initial.map((row) => ({ ...row, logprob: -1, sampled: true }));
      await writeTable(paths.initial, initialTable, initial);
      const feedback = data.feedback.map((row) => ({ ...row, source: 'a test', points: '' }));
      await writeTable(paths.feedback, feedbackTable, feedback);
      for (const told of ['own', 'none', 'other', ''])
        await writeTable(
          table(`refinements-${told}`),
          refinementsTable,
          data.refinements.map((row) => ({ ...row, told })),
        );
      await writeTable(paths.scores, scoresTable, data.scores);
    });

    it.each(targetKinds.map(({ name }) => name))('of the kind %s are the same', async (kind) => {
      const seed = seedOf(place, 'targets');
      const targets = targetsOf(kind, { ...data, contexts }, { ...how, seed });
      expect(await made(kind)).toEqual(targets);
    });

    it.each([
      ['no-feedback', 'own', /row 0, of context a, was made with the context's own feedback; .*told: "none"/],
      ['no-feedback', '', /does not say what the refiner was told/],
      ['shuffled-feedback', 'none', /was made with no feedback; .*another context's/],
      ['ilf', 'other', /was made with another context's feedback/],
    ])('%s are not made from any refinements (%s)', async (kind, told, message) => {
      await expect(made(kind, told)).rejects.toThrow(message);
    });

    it('refinements that do not say what the refiner was told are taken for such with feedback', async () => {
      expect(await made('ilf', '')).toEqual(await made('ilf'));
    });

    it('must belong to the contexts, and weigh something', () => {
      const row = { context: 'd', ...given('x'), weight: 1 };
      expect(() => fromTargetRows([row], contexts)).toThrow(/context d, which the contexts have not/);
      for (const weight of [0, -1, Number.NaN, Number.POSITIVE_INFINITY])
        expect(() => fromTargetRows([{ ...row, context: 'a', weight }], contexts)).toThrow(/must be above 0/);
    });
  });
});

describe('feedback and an output on one line', () => {
  it('come apart again, where the model wrote both', () => {
    const both = 'feedback and output';
    const task = { prompts, format: { output: oneLine, feedback: oneLine } };
    expect(outputIn(task, feedbackThenOutput(prompts, 'Say when.', 'Dana left today.'), both)).toBe(
      'Dana left today.',
    );
    expect(outputIn(task, 'Say when. New summary:', both)).toBe('');
    expect(outputIn(task, 'Dana left today.', both)).toBe('Dana left today.');
    expect(outputIn(task, 'A New summary: b', 'output')).toBe('A New summary: b');
    expect(roomFor('output', 8)).toBe(8);
    expect(roomFor(both, 8)).toBe(72);
  });

  it('of several lines end where the longer-winded of them does', () => {
    const both = 'feedback and output';
    const said = 'Say where.\nSay when.';
    const text = `${feedbackThenOutput(prompts, said, 'Dana left today.')}\nMore.`;
    const output = (of: TextFormat, feedback: TextFormat) => {
      const format = { output: of, feedback };
      return [formatOf(format, both).name, outputIn({ prompts, format }, text, both)];
    };
    expect(output(oneLine, manyLines)).toEqual(['many lines', 'Dana left today.']);
    expect(output(manyLines, manyLines)).toEqual(['many lines', 'Dana left today.\nMore.']);
    expect(output(manyLines, oneLine)).toEqual(['many lines', 'Dana left today.\nMore.']);
    expect(formatOf({ output: oneLine, feedback: manyLines }, 'output').name).toBe('one line');
  });
});

describe('the loss', () => {
  let model: TextModel;
  beforeAll(async () => {
    await startEngine();
    const sizes = { n_layer: 1, n_head: 2, n_embd: 16, n_positions: 64, vocab_size: 128 };
    model = { dir: 'model', lm: CausalLM.init(gpt2Config(sizes), 3), tokenizer };
  });
  afterAll(() => model.lm.dispose());

  it('is −Σ ω log π_θ of the targets, over the weight of their tokens', async () => {
    const targets = targetsOf('posterior', data, how);
    const examples = targets.map((target) => toExample(model, prompts, target, 0));
    const { losses, grads } = crossEntropy(model.lm, examples, 4096);
    const loss = sumOfLosses(losses);
    for (const each of [...losses, ...grads!]) each.dispose();
    const items = targets.map(({ context, written: { ids } }) => ({
      prompt: tokenizer.encode(prompts.write(context.text)),
      completion: Array.from(ids),
    }));
    const logprobs = await scoreCompletions(model.lm, items);
    const log = (i: number) => logprobs[i]!.reduce((a, b) => a + b);
    const expected = -targets.reduce((sum, { weight }, i) => sum + weight * log(i), 0);
    expect(loss * totalWeight(examples)).toBeCloseTo(expected, 3);
    expect(expected).toBeGreaterThan(10);
  });
});
