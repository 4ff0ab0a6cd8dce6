import { describe, expect, it } from 'vitest';
import { STUDIES } from '../../src/experiment/names.js';
import { Values } from '../../src/experiment/values.js';
import { arms } from './labels.js';
import { drawn, madeUp } from './made-up.js';

describe('arms', () => {
  it.each(STUDIES)('of %s are told apart by their ids, and by their labels', (study) => {
    for (const field of ['id', 'label'] as const)
      expect(new Set(arms[study].map((arm) => arm[field])).size).toBe(arms[study].length);
  });

  it('have one place each in their series, or none', () => {
    for (const study of STUDIES) {
      const places = arms[study].flatMap(({ series, x }) => (x === null ? [] : [`${series}, ${x}`]));
      // Weights of the same β are told apart by their terms.
      if (study !== 'posterior') expect(new Set(places).size, study).toBe(places.length);
      for (const { series, x } of arms[study]) if (x !== null) expect(series).not.toBe('');
    }
  });

  it('and their measures come back from the rows with all their fields', () => {
    const values = new Values(madeUp(drawn));
    for (const study of STUDIES)
      for (const arm of values.armsOf(study)) {
        expect(arms[study]).toContainEqual(arm);
        expect(values.arm(study, arm.id)).toEqual(arm);
      }
    expect(values.armsOf('best-of-n', 'ILF').map(({ x }) => x)).toEqual([1, 2, 4, 8, 16]);
    expect(values.measuresOf('kl', 'ilf', 'position').map(({ place }) => place)).toEqual(['1', '2', '3']);
    expect(values.measuresOf('kl', 'ilf', 'token').map(({ place }) => place)).toEqual(['␣1', '␣2', '␣3']);
    expect(values.measuresOf('posterior', 'klFromPicks-change', 'step').map(({ place }) => place)).toEqual([
      '0',
      '3',
      '5',
    ]);
  });
});
