import { describe, expect, it } from 'vitest';
import { contextsAt, fitted, full, quick } from '../../src/experiment/scale.js';
import { briefs } from '../../src/tasks/briefs/task.js';
import type { Context, Task } from '../../src/tasks/task.js';

const task = (learned: number, heldOut: number, gold = true): Task => {
  const context =
    (split: string) =>
    (_: unknown, i: number): Context => ({
      id: `${split}-${i}`,
      text: `post ${i}`,
      ...(gold && { gold: 'a summary' }),
    });
  const parts = {
    ilf: Array.from({ length: learned }, context('ilf')),
    heldout: Array.from({ length: heldOut }, context('heldout')),
  };
  const { about, words, prompts, format } = briefs;
  return {
    ...{ name: 'letters', about, words, prompts, format },
    size: (split) => parts[split].length,
    contexts: (split, from, n) => parts[split].slice(from, from + n),
  };
};

describe('the scale of the embedded world', () => {
  it.each(Object.entries({ full, quick }))('%s has places that share no context', (_, scale) => {
    const { places } = scale;
    const texts = [
      briefs.contexts('ilf', 0, scale.sizes.at(-1)!),
      contextsAt(briefs, places.compared, scale.comparisons.at(-1)!),
      contextsAt(briefs, places.comparedHeldOut, scale.comparisonsHeldOut),
      contextsAt(briefs, places.calibrated!, scale.calibration),
      briefs.contexts('heldout', scale.heldoutFrom, scale.heldout),
    ].flatMap((of) => of.map(({ text }) => text));
    expect(new Set(texts).size).toBe(texts.length);
  });
});

describe('the scale of a person’s own contexts', () => {
  it('is no larger than they are', () => {
    const scale = fitted(full, task(80, 20), 'letters.jsonl');
    expect(scale).toMatchObject({
      heldout: 20,
      heldoutFrom: 0,
      sizes: [25, 80],
      usual: 80,
      comparisons: [80],
      comparisonsHeldOut: 20,
      bestOfContexts: 20,
      posterior: 20,
      texts: full.texts,
      betas: full.betas,
    });
    expect(contextsAt(task(80, 20), scale.places.compared, 80)).toHaveLength(80);
    expect(contextsAt(task(80, 20), scale.places.comparedHeldOut, 20)[0]!.id).toBe('heldout-0');
    expect(scale.places.calibrated).toBeNull();
  });

  it('is the whole where there are enough, and goes down to a few', () => {
    const { places, heldoutFrom, ...sizes } = fitted(full, task(4000, 1000), 'letters.jsonl');
    expect(full).toMatchObject(sizes);
    expect(fitted(full, task(2, 2), 'letters.jsonl')).toMatchObject({ sizes: [2], usual: 2, rounds: 2 });
  });

  it.each([
    [task(6, 1), /letters\.jsonl: 7 contexts.*too few/],
    [task(80, 20, false), /letters\.jsonl: context ilf-0 has no "gold"/],
  ])('is refused for data that cannot be used (%#)', (of, message) => {
    expect(() => fitted(full, of, 'letters.jsonl')).toThrow(message);
  });
});
