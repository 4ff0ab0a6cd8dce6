import { describe, expect, it } from 'vitest';
import { type Measured, measureRows } from '../../src/ilf/measure.js';
import {
  longestOf,
  measureByKind,
  measureIncorporated,
  measureOutputs,
  measurePicks,
  measureRanking,
  type RankedRefinements,
} from '../../src/measure/estimates.js';

describe('outputs', () => {
  it('by hand', () => {
    const { winRate, score } = measureOutputs({
      base: [0.2, 0.4, 0.6, 1],
      tuned: [0.4, 0.4, 1, 0.8],
      gold: [1, 1, 1, 1],
    });
    // Won, drawn, won, lost.
    expect(winRate.tunedVsBase).toMatchObject({ value: 2.5 / 4, n: 4 });
    expect(winRate.tunedVsGold!.value).toBe(0.5 / 4);
    expect(winRate.baseVsGold!.value).toBe(0.5 / 4);
    expect(score.base!.value).toBeCloseTo(0.55, 12);
    expect(score.tuned!.value).toBeCloseTo(0.65, 12);
    expect(score.tunedMinusBase!.value).toBeCloseTo(0.1, 12);
    expect(score.gold!.value).toBe(1);
  });

  it('without references are held against none', () => {
    const { winRate, score } = measureOutputs({ base: [0.2, 0.4], tuned: [0.4, 0.4] });
    expect([winRate.tunedVsGold, winRate.baseVsGold, score.gold]).toEqual([undefined, undefined, undefined]);
  });
});

describe('refinements', () => {
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
  const contexts: RankedRefinements[] = [
    {
      texts: ['0.25', '0.5', '0.750'],
      ranks: [0.1, 0.9, 0.5],
      selected: 1,
    },
    {
      texts: ['0.4000', '0.8', '0.2'],
      ranks: [0.3, 0.2, 0.1],
      selected: 0,
    },
  ];
  const { incorporated } = measureIncorporated(settled);
  const { order, incorporated: rankingIncorporated } = measureRanking(contexts, settled.feedback);
  const scores = [
    [0.25, 0.5, 0.75],
    [0.4, 0.8, 0.2],
  ];
  const ranking = { ...measurePicks(contexts, scores), ...order };
  const points = (kind: string, ...all: boolean[]) => all.map((of) => [{ kind, settled: of }]);
  const byKind = measureByKind([points('easy', false, true, true), points('hard', false, true, false)]);

  it('share of whole feedback incorporated, over all candidates', () => {
    expect(incorporated.feedback!.value).toBeCloseTo((2 / 3 + 1 / 3) / 2, 12);
    expect(incorporated.noFeedback!.value).toBeCloseTo((1 / 3 + 0) / 2, 12);
    expect(incorporated.shuffledFeedback!.value).toBeCloseTo((0 + 1 / 3) / 2, 12);
    expect(byKind.easy!.value).toBeCloseTo(2 / 3, 12);
    expect(byKind.hard!.value).toBeCloseTo(1 / 3, 12);
  });

  it('a kind of point counts where feedback has one', () => {
    const two = [
      { kind: 'hard', settled: true },
      { kind: 'easy', settled: false },
    ];
    const kinds = measureByKind([[two, two], points('easy', true, true)]);
    expect(Object.keys(kinds)).toEqual(['easy', 'hard']);
    expect(kinds.hard).toMatchObject({ value: 1, n: 1 });
    expect(kinds.easy).toMatchObject({ value: 0.5, n: 2 });
  });

  it('the pick, the longest, and the expectation of a random pick', () => {
    expect(ranking.picked!.value).toBeCloseTo((0.5 + 0.4) / 2, 12);
    expect(ranking.longest!.value).toBeCloseTo((0.75 + 0.4) / 2, 12);
    expect(ranking.random!.value).toBeCloseTo((0.5 + 1.4 / 3) / 2, 12);
    expect(ranking.pickedMinusRandom!.value).toBeCloseTo(0.45 - (0.5 + 1.4 / 3) / 2, 12);
    expect(rankingIncorporated.picked.value).toBe(0.5);
    expect(rankingIncorporated.random.value).toBeCloseTo(0.5, 12);
  });

  it('pairs within a context, by the share of points settled', () => {
    // a: 0.5 < 1 = 1, scored 0.1 < 0.9, 0.1 < 0.5: 2 of 2. b: 0.25 < 0.5 < 1, scored 0.1 < 0.3 > 0.2: 2 of 3.
    expect(ranking.pairAccuracy!.value).toBeCloseTo(4 / 5, 12);
  });

  it('no pair accuracy where the oracle tells no two apart, no shuffled feedback where there is no other context', () => {
    expect(measureRanking([contexts[0]!], [[0.2, 0.2, 0.2]]).order).toEqual({});
    const alone = { feedback: [[0.2, 0.2]], noFeedback: [[0, 0]], shuffledFeedback: [[]] };
    expect(measureIncorporated(alone).incorporated.shuffledFeedback).toBeUndefined();
  });

  it('rows by their names in result.json', () => {
    const measured = { measures: { incorporated, ranking }, rankingIncorporated, byKind, outputs: [] };
    const rows = measureRows(measured satisfies Measured);
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
