import { describe, expect, it } from 'vitest';
import { measuredValue, type ValueRow } from '../../src/experiment/value.js';
import { Values } from '../../src/experiment/values.js';
import { measureNamed } from './labels.js';

/** One study's values of an arm, whose id is its label: by seed, [context, value]. */
const rowsOf = (
  arm: string,
  measure: string,
  seeds: readonly (readonly [context: string, value: number][])[],
): ValueRow[] =>
  seeds.flatMap((of, seed) =>
    of.map(([context, value]) => ({
      seed,
      study: 'targets',
      ...measuredValue({ id: arm, label: arm, series: '', x: null }, measureNamed(measure), context, value),
    })),
  );

const two = new Values([
  ...rowsOf('ILF', 'klTunedBase', [
    [
      ['a', 3],
      ['b', 5],
      ['c', 4],
    ],
    [
      ['a', 1],
      ['b', 3],
      ['c', 2],
    ],
  ]),
  // The same contexts, in other orders.
  ...rowsOf('base model', 'klTunedBase', [
    [
      ['c', 3],
      ['a', 2],
      ['b', 4],
    ],
    [
      ['b', 2],
      ['c', 1],
      ['a', 0],
    ],
  ]),
  ...rowsOf('ILF', 'klBaseTuned', [
    [
      ['b', 3],
      ['a', 1],
      ['c', 2],
    ],
    [
      ['a', -1],
      ['b', 1],
      ['c', 0],
    ],
  ]),
]);

describe('values', () => {
  it('are found by study, arm and measure, arms and measures in the order that they came in', () => {
    expect(two.armsOf('targets').map(({ label }) => label)).toEqual(['ILF', 'base model']);
    expect(two.armsOf('rl')).toEqual([]);
    expect(two.measuresOf('targets', 'ILF').map(({ name }) => name)).toEqual(['klTunedBase', 'klBaseTuned']);
    expect(two.has('targets', 'ILF', 'klBaseTuned')).toBe(true);
    expect(two.has('targets', 'base model', 'klBaseTuned')).toBe(false);
    expect(two.has('rl', 'ILF', 'klBaseTuned')).toBe(false);
    expect(() => two.matrix('rl', 'ILF', 'score')).toThrow('no values of rl, ILF, score');
  });

  it('are a matrix of seeds by contexts, whatever the order that they came in', () => {
    expect(two.matrix('targets', 'ILF', 'klTunedBase')).toEqual([
      [3, 5, 4],
      [1, 3, 2],
    ]);
    expect(two.matrix('targets', 'base model', 'klTunedBase')).toEqual([
      [2, 4, 3],
      [0, 2, 1],
    ]);
    const late = rowsOf('ILF', 'score', [[['a', 1]], [['a', 2]]]).reverse();
    expect(new Values(late).matrix('targets', 'ILF', 'score')).toEqual([[1], [2]]);
  });

  it('are estimated over seeds and contexts', () => {
    const estimate = two.estimate('targets', 'ILF', 'klTunedBase');
    expect(estimate).toMatchObject({ value: 3, n: 3, perSeed: [4, 2] });
    expect(estimate.lo).toBeLessThan(3);
    expect(estimate.hi).toBeGreaterThan(3);
    expect(
      two.all().map(({ arm, measure, estimate: { value } }) => [arm.label, measure.name, value]),
    ).toEqual([
      ['ILF', 'klTunedBase', 3],
      ['ILF', 'klBaseTuned', 1],
      ['base model', 'klTunedBase', 2],
    ]);
  });

  it('differ in pairs of the same seed and context', () => {
    // Each pair differs by 1 and by 2, so that nothing is left to the bootstrap.
    expect(two.difference('targets', 'klTunedBase', 'ILF', 'base model')).toMatchObject({
      value: 1,
      lo: 1,
      hi: 1,
      n: 3,
      perSeed: [1, 1],
    });
    expect(two.differenceOfMeasures('targets', 'ILF', 'klTunedBase', 'klBaseTuned')).toMatchObject({
      value: 2,
      lo: 2,
      hi: 2,
    });
    expect(two.difference('targets', 'klTunedBase', 'base model', 'ILF').value).toBe(-1);
  });

  it('that are shares have an interval even where all are the same', () => {
    const ten = (value: number) => [
      Array.from({ length: 10 }, (_, i): [string, number] => [String(i), value]),
    ];
    const values = new Values(
      ['incorporated', 'incorporatedWithout', 'incorporatedShuffled', 'score', 'length'].flatMap(
        (measure) => [...rowsOf('a', measure, ten(0.5)), ...rowsOf('b', measure, ten(0))],
      ),
    );
    // A new context differs with a probability of at most u.
    const u = 1 - 0.05 ** (1 / 10);
    for (const measure of ['incorporated', 'incorporatedWithout', 'incorporatedShuffled', 'score']) {
      const { lo, hi } = values.estimate('targets', 'a', measure);
      expect([lo, hi]).toEqual([expect.closeTo(0.5 - 0.5 * u), expect.closeTo(0.5 + 0.5 * u)]);
    }
    const { lo, hi } = values.difference('targets', 'score', 'a', 'b');
    expect([lo, hi]).toEqual([expect.closeTo(0.5 - 1.5 * u), expect.closeTo(0.5 + 0.5 * u)]);
    expect(values.estimate('targets', 'a', 'length')).toMatchObject({ value: 0.5, lo: 0.5, hi: 0.5 });
  });

  it('are of the contexts that all seeds, and both sides, have', () => {
    const values = new Values([
      ...rowsOf('a', 'score', [
        [
          ['x', 1],
          ['y', 0],
          ['z', 0.5],
        ],
        [
          ['z', 1],
          ['y', 0.5],
        ],
      ]),
      ...rowsOf('b', 'score', [[['z', 0.25]], [['z', 0.5]]]),
      ...rowsOf('none', 'score', [[['x', 1]], [['y', 1]]]),
      ...rowsOf('one seed', 'score', [[['z', 1]]]),
    ]);
    expect(values.matrix('targets', 'a', 'score')).toEqual([
      [0, 0.5],
      [0.5, 1],
    ]);
    expect(values.difference('targets', 'score', 'a', 'b')).toMatchObject({ perSeed: [0.25, 0.5], n: 1 });
    expect(() => values.estimate('targets', 'none', 'score')).toThrow(RangeError);
    expect(() => values.difference('targets', 'score', 'a', 'one seed')).toThrow('2 seeds against 1');
  });

  it('is the mean over seeds at each step, in the order of the steps', () => {
    const values = new Values(
      rowsOf('RL', 'trainingKl', [
        [
          ['9', 1],
          ['10', 3],
        ],
        [
          ['9', 2],
          ['10', 7],
        ],
      ]),
    );
    const course = values.course('targets', 'RL', 'trainingKl');
    expect(course.map(([step, { value, n }]) => [step, value, n])).toEqual([
      [9, 1.5, 2],
      [10, 5, 2],
    ]);
    expect(values.course('targets', 'RL', 'trainingReward')).toEqual([]);
  });
});

describe('forecasts', () => {
  it('are grouped by context, over all seeds', () => {
    const values = new Values([
      ...rowsOf('calibrated', 'predicted', [
        [
          ['a#0', 0.1],
          ['a#1', 0.2],
          ['b#0', 0.3],
        ],
        [['a#0', 0.4]],
      ]),
      ...rowsOf('calibrated', 'happened', [
        [
          ['a#1', 1],
          ['a#0', 0],
          ['b#0', 1],
        ],
        [['a#0', 1]],
      ]),
    ]);
    expect(values.forecasts('targets', 'calibrated')).toEqual([
      { predicted: [0.1, 0.2, 0.4], happened: [0, 1, 1] },
      { predicted: [0.3], happened: [1] },
    ]);
    expect(values.forecasts('targets', 'ILF')).toEqual([]);
  });
});
