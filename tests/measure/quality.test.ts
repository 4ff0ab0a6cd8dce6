// What held-out texts are worth by an oracle: a task of a person's own, a module, whose outputs are numbers written out, and whose
// feedback's one point is settled by outputs of at least that number.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  measureByKind,
  measureIncorporated,
  measureOutputs,
  measurePicks,
  measureRanking,
} from '../../src/measure/estimates.js';
import { needsJudge, openQuality, type Quality } from '../../src/measure/quality.js';
import type { HeldOut } from '../../src/pipeline/held-out.js';
import type { TextRow } from '../../src/pipeline/tables.js';
import { given } from '../../src/writers/writer.js';
import { scratchFolder } from '../store/folder.js';

const task = join(scratchFolder(), 'numbers.js');
beforeAll(() =>
  writeFileSync(
    task,
    `const settled = ({ text, points }) => Math.min(1, Number(text) / points);
export default {
  name: 'numbers',
  help: 'numbers',
  open: async () => { throw new Error('only its scorer is looked at here'); },
  openScorer: async () => ({
    unit: 'the number itself',
    score: async (items) => items.map(({ text }) => Number(text)),
    feedback: {
      incorporated: async (items) => items.map(settled),
      byKind: async (items) => items.map((item) =>
        [{ kind: item.points === 0.5 ? 'easy' : 'hard', settled: settled(item) === 1 }]),
    },
  }),
};
`,
  ),
);

const contexts = ['a', 'b'].map((id) => ({ id, text: id }));
const says = (of: Record<string, string>) => Object.entries(of).map(([context, text]) => ({ context, text }));
const outputs = (of: Record<string, string>) =>
  says(of).map(({ context, text }) => ({ context, ...given(text), logprob: 0, sampled: true }));
const candidates = (of: Record<string, string[]>): TextRow[] =>
  Object.entries(of).flatMap(([context, texts]) =>
    texts.map((text, candidate) => ({ context, candidate, ...given(text) })),
  );
const texts = { a: ['0.25', '0.5', '0.750'], b: ['0.4000', '0.8', '0.2'] };
const ranks: Record<string, number[]> = { a: [0.1, 0.9, 0.5], b: [0.3, 0.2, 0.1] };
const selected: Record<string, number> = { a: 1, b: 0 };
// Rows in another order than the contexts: they are found by their context and number.
const heldOut: HeldOut = {
  contexts,
  base: outputs({ b: '0.6', a: '0.2' }),
  initial: outputs({ b: '0.1', a: '0.3' }),
  feedback: [
    { context: 'b', text: 'more', source: 'a test', points: '0.8' },
    { context: 'a', text: 'more', source: 'a test', points: '0.5' },
  ],
  refinements: candidates(texts).reverse(),
  noFeedback: candidates({ b: ['0.1', '0.1', '0.1'], a: ['0.1', '0.2', '0.9'] }),
  shuffledFeedback: candidates({ b: ['0.8', '0.1', '0.1'], a: ['0.1', '0.2', '0.3'] }),
  scores: Object.entries(ranks)
    .flatMap(([context, of]) =>
      of.map((mean, candidate) => ({
        context,
        candidate,
        per_prompt: [],
        mean,
        selected: candidate === selected[context],
      })),
    )
    .reverse(),
};

describe('by an oracle', () => {
  const open = async (of: HeldOut = heldOut): Promise<Quality> => (await openQuality({ task }, of))!;

  it('says of feedback without points, as a critic writes it, nothing, and of outputs what it knows', async () => {
    const [first, ...others] = heldOut.feedback;
    const feedback = [{ ...first!, source: 'critic', points: '' }, ...others];
    const [some, all] = [await open({ ...heldOut, feedback }), await open()];
    expect(some.refining).toBeNull();
    expect(some.decides).toBe(true);
    const { pairAccuracy: _, pooledAuc: __, ...picks } = all.measures.ranking!;
    expect(some.measures).toEqual({ ranking: picks });
    expect(some.ofSamples).toEqual(all.ofSamples);
    const tuned = says({ b: '0.6', a: '0.9' });
    expect(await some.ofOutputs(tuned)).toEqual(await all.ofOutputs(tuned));
  });

  it('scores likeness to references where contexts have one, and leaves wins to a judge', async () => {
    const [a, b] = contexts;
    const referenced = { ...heldOut, contexts: [a!, { ...b!, gold: 'x 0.6' }] };
    const quality = (await openQuality({ task: 'file' }, referenced))!;
    expect([quality.decides, quality.refining]).toEqual([false, null]);
    expect(await needsJudge({ task: 'file' }, referenced.contexts)).toBe(true);
    expect(await needsJudge({ task }, contexts)).toBe(false);
    expect([...quality.ofSamples.keys()]).toEqual(['b']);
    const { measures, ids } = await quality.ofOutputs(says({ a: '1', b: 'x 0.6' }));
    expect(ids).toEqual(['b']);
    expect(measures.winRate).toBeUndefined();
    expect(measures.score!.tuned).toMatchObject({ value: 1, n: 1 });
    expect(measures.score!.gold).toBeUndefined();
    expect(measures.score!.base!.value).toBeLessThan(1);
  });

  const settled = {
    feedback: [
      [0.5, 1, 1],
      [0.5, 1, 0.25],
    ],
    noFeedback: [
      [0.2, 0.4, 1],
      [0.125, 0.125, 0.125],
    ],
    shuffledFeedback: [
      [0.2, 0.4, 0.6],
      [1, 0.125, 0.125],
    ],
  };

  it('refinements, and what the ranker picks of them', async () => {
    const { unit, refining, measures, ofSamples } = await open();
    expect(unit).toBe('the number itself');
    const ranked = contexts.map(({ id }) => ({
      texts: texts[id as 'a' | 'b'],
      ranks: ranks[id]!,
      selected: selected[id]!,
    }));
    const { order, incorporated } = measureRanking(ranked, settled.feedback);
    const picks = measurePicks(
      ranked,
      ranked.map((of) => of.texts.map(Number)),
    );
    expect(refining).toEqual({
      measures: measureIncorporated(settled),
      order,
      rankingIncorporated: incorporated,
      byKind: measureByKind(
        settled.feedback.map((of, i) =>
          of.map((part) => [{ kind: i === 0 ? 'easy' : 'hard', settled: part === 1 }]),
        ),
      ),
      ranked: contexts.flatMap(({ id }, i) =>
        ranks[id]!.map((ranker, j) => ({ context: id, ranker, oracle: settled.feedback[i]![j]! })),
      ),
    });
    expect(measures).toEqual({ ...measureIncorporated(settled), ranking: { ...picks, ...order } });
    expect(Object.fromEntries(ofSamples)).toEqual({
      a: { initial: 0.3, base: 0.2, refinement: 0.5 },
      b: { initial: 0.1, base: 0.6, refinement: 0.4 },
    });
    expect(measures.incorporated!.feedback!.value).toBeCloseTo((2 / 3 + 1 / 3) / 2, 12);
    expect(measures.ranking!.picked!.value).toBeCloseTo((0.5 + 0.4) / 2, 12);
    expect(refining!.byKind.easy!.value).toBeCloseTo(2 / 3, 12);
  });

  it("a model's outputs against the base model's, and the references where all contexts have one", async () => {
    const tuned = says({ b: '0.6', a: '0.9' });
    const scores = { base: [0.2, 0.6], tuned: [0.9, 0.6] };
    expect(await (await open()).ofOutputs(tuned)).toEqual({
      measures: measureOutputs(scores),
      scores,
      ids: ['a', 'b'],
    });
    const gold = [1, 0.5];
    const withGold = contexts.map((context, i) => ({ ...context, gold: String(gold[i]) }));
    const found = await (await open({ ...heldOut, contexts: withGold })).ofOutputs(tuned);
    expect(found).toMatchObject({
      measures: measureOutputs({ ...scores, gold }),
      scores: { ...scores, gold },
    });
    const some = await open({ ...heldOut, contexts: [withGold[0]!, contexts[1]!] });
    expect((await some.ofOutputs(tuned)).scores).toEqual(scores);
    await expect((await open()).ofOutputs(tuned.slice(1))).rejects.toThrow(
      /the table of outputs has no row for context b/,
    );
  });

  it('no shuffled feedback where there is no other context', async () => {
    const { measures } = await open({ ...heldOut, contexts: [contexts[0]!], shuffledFeedback: [] });
    expect(measures.incorporated!.shuffledFeedback).toBeUndefined();
  });

  it('nothing where there is none for the contexts', async () => {
    expect(await openQuality({ task: 'briefs' }, heldOut)).toBeNull();
    expect(await openQuality({ task: 'file' }, heldOut)).toBeNull();
  });
});
