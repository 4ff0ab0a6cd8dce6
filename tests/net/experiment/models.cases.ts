// What tuned models are worth: the studies of targets, sizes and rounds, what each model was tuned on, and every value by hand.
import { beforeAll, describe, expect, it } from 'vitest';
import { type Arm, compare, expected, scripted, writes } from './arms.js';
import { contextIn, script, seen } from './fake-lm.js';
import { expectValues, type Opened, type Value, valuesOf } from './harness.js';

/** The completions that a model learned, after its contexts' prompts; all of weight 1. */
function learned(role: string): string[] {
  return seen.trained.get(role)!.lessons.map(({ prompt, text, weight, promptWeight }) => {
    expect(prompt).toBe(`Post: post of ${contextIn(text)}\nSummary:`);
    expect([weight, promptWeight]).toEqual([1, 0.25]);
    return text;
  });
}

const short = ['ilf-0', 'ilf-1', 'ilf-2', 'ilf-3'];

describe('targets', () => {
  const arms: Arm[] = [
    ['base model', 'base', 0.3, [0, 0, 0], [0, 0, 0], 0],
    ['ILF', 'arms/ilf-4', 0.6, [1, 0.5, 0], [1, 1, 0], 1],
    // 0.4 and 0.402 against 0.4
    ['ILF, random picks', 'arms/ilf-random-4', 0.4, [0.75, 0, 0], [0, 0, 0], 2],
    ['ILF, longest picks', 'arms/ilf-longest-4', 0.45, [1, 0, 0], [0, 0.5, 0], 3],
    ['posterior-weighted refinements', 'arms/posterior-4', 0.7, [1, 1, 1], [1, 1, 0.5], 4],
    ['refinements without feedback', 'arms/no-feedback-4', 0.5, [1, 0, 0], [0.5, 1, 0], 5],
    ['refinements with shuffled feedback', 'arms/shuffled-feedback-4', 0.55, [1, 0, 0], [1, 1, 0], 6],
    ['feedback, then refinement', 'arms/feedback-refinement-4', 0.65, [1, 1, 0], [1, 1, 0], 7],
    ['initial outputs', 'arms/initial-4', 0.35, [0, 0, 0], [0, 0, 0], 8],
    ['gold summaries', 'arms/gold-4', 0.8, [1, 1, 1], [1, 1, 1], 9],
    ['ILF, 2 epochs', 'arms/ilf-4-2-epochs', 0.58, [1, 0, 0], [1, 1, 0], 10],
    ['ILF, 4 epochs', 'arms/ilf-4-4-epochs', 0.52, [1, 0, 0], [1, 1, 0], 11],
  ];
  const picks: Record<string, readonly number[]> = { random: [0, 0, 1, 2, 1], longest: [2, 1, 2, 0, 0] };
  let ran: Opened & { values: Value[] };
  beforeAll(async () => {
    Object.assign(script, { writes, compare: compare(arms), steps: 4 });
    script.rank = (name, _, { context, initial, feedback, refinement }) => {
      const id = contextIn(context)!;
      expect([initial, feedback]).toEqual([`${id}: x0`, `${id}: feedback`]);
      return refinement === `${id}: own ${picks[name]![Number(id.slice(-1))]}` ? 1 : 0.5;
    };
    ran = await valuesOf('targets', scripted(arms));
  });

  it('are worth what their models’ texts are', () => {
    expectValues(ran.values, expected(arms));
  });

  it('are what their models learned, all from π_0', () => {
    const { scalars } = ran;
    const own = (...picked: number[]) => short.map((id, i) => `${id}: own ${picked[i]}`);
    expect([...seen.trained.keys()]).toEqual(arms.slice(1).map(([, role]) => role));
    for (const { start, lr, seed } of seen.trained.values()) {
      expect(start).toBe('base');
      expect(lr).toBe(0.001);
      expect(seed).toBeTypeOf('number');
    }
    expect(new Set([...seen.trained.values()].map(({ seed }) => seed)).size).toBe(11);
    expect(learned('arms/ilf-4')).toEqual(own(1, 2, 0, 1));
    expect(learned('arms/ilf-random-4')).toEqual(own(0, 0, 1, 2));
    expect(learned('arms/ilf-longest-4')).toEqual(own(2, 1, 2, 0));
    expect(learned('arms/ilf-4-2-epochs')).toEqual(own(1, 2, 0, 1));
    expect(learned('arms/ilf-4-4-epochs')).toEqual(own(1, 2, 0, 1));
    expect(learned('arms/initial-4')).toEqual(short.map((id) => `${id}: x0`));
    expect(learned('arms/gold-4')).toEqual(short.map((id) => `${id}: gold`));
    expect(learned('arms/feedback-refinement-4')).toEqual(
      own(1, 2, 0, 1).map((text) => `${text.slice(0, 5)}: feedback New summary: ${text}`),
    );
    for (const [role, kind] of [
      ['arms/no-feedback-4', 'none'],
      ['arms/shuffled-feedback-4', 'other'],
    ] as const) {
      const texts = learned(role);
      expect(texts).toEqual(short.map((id) => expect.stringMatching(`^${id}: ${kind} [012]$`)));
      // By lot, not always the same one, and not InstructRM's.
      expect(new Set(texts.map((text) => text.slice(-1))).size).toBeGreaterThan(1);
    }
    // exp(R) π_0/q: 4 e, 2 · 2 e and e/2, from the picked one on.
    const weights = [8 / 17, 8 / 17, 1 / 17];
    expect(seen.trained.get('arms/posterior-4')!.lessons).toEqual(
      short.flatMap((id, i) =>
        [0, 1, 2].map((candidate) => {
          const weight = weights[(candidate + 3 - [1, 2, 0, 1][i]!) % 3]!;
          return {
            prompt: `Post: post of ${id}\nSummary:`,
            text: `${id}: own ${candidate}`,
            weight: expect.closeTo(weight, 9),
            promptWeight: expect.closeTo(weight / 4, 9),
          };
        }),
      ),
    );
    expect(
      [...seen.trained].filter(([, { epochs }]) => epochs !== 1).map(([role, of]) => [role, of.epochs]),
    ).toEqual([
      ['arms/ilf-4-2-epochs', 2],
      ['arms/ilf-4-4-epochs', 4],
    ]);
    // What is shown of them: losses, and the mean KL over contexts.
    for (const [, role, , , , kl] of arms.slice(1)) {
      expect(scalars.filter(([tag]) => tag.startsWith(`${role}/`))).toEqual([
        [`${role}/loss`, 1, 100],
        [`${role}/loss`, 2, 101],
        [`${role}/loss`, 3, 102],
        [`${role}/loss`, 4, 103],
        [`${role}/klTunedBase`, 0, kl + 0.5],
        [`${role}/klBaseTuned`, 0, 16 * kl + 0.5],
      ]);
    }
  });

  it('are sampled from as generation is, and at temperature 1 for their KL', () => {
    const prompts = [0, 1, 2].map((i) => `Post: post of heldout-${i}\nSummary:`);
    for (const [, role] of arms.slice(1)) {
      const maxNewTokens = role.includes('feedback-refinement') ? 64 + 40 : 40;
      const [outputs, kl, ...more] = seen.sampled.filter((of) => of.role === role);
      expect(more).toEqual([]);
      expect(outputs).toMatchObject({
        prompts,
        n: 2,
        settings: { temperature: 0.7, topP: 0.9, topK: 0, maxNewTokens },
      });
      expect(kl).toMatchObject({
        prompts,
        n: 1,
        settings: { temperature: 1, topP: 1, topK: 0, maxNewTokens },
      });
    }
    // π_0: its outputs, and its side of every KL; for its own both sides.
    const base = seen.sampled.filter(({ role }) => role === 'base');
    expect(base.map(({ n }) => n)).toEqual([2, 1, 1, ...arms.slice(1).map(() => 1)]);
    expect(base.map(({ settings }) => settings.maxNewTokens)).toEqual([
      40,
      40,
      40,
      ...arms.slice(1).map(([, role]) => (role.includes('feedback-refinement') ? 104 : 40)),
    ]);
    const seeds = seen.sampled.map(({ settings }) => settings.seed);
    expect(new Set(seeds).size).toBe(seeds.length);
  });
});

describe('sizes', () => {
  const arms: Arm[] = [
    ['ILF, 2', 'arms/ilf-2', 0.6, [1, 0.5, 0], [1, 1, 0], 1],
    ['ILF, 5', 'arms/ilf-5', 0.45, [1, 0, 0], [0, 0.5, 0], 2],
    ['initial outputs, 2', 'arms/initial-2', 0.7, [1, 1, 1], [1, 1, 0.5], 3],
    ['initial outputs, 5', 'arms/initial-5', 0.5, [1, 0, 0], [0.5, 1, 0], 4],
    ['gold summaries, 2', 'arms/gold-2', 0.35, [0, 0, 0], [0, 0, 0], 5],
    ['gold summaries, 5', 'arms/gold-5', 0.8, [1, 1, 1], [1, 1, 1], 6],
  ];

  it('are worth what their models’ texts are, which learned from so many contexts', async () => {
    Object.assign(script, { writes, compare: compare(arms), steps: 4 });
    const { values } = await valuesOf('sizes', scripted(arms));
    expectValues(values, expected(arms));
    expect(learned('arms/ilf-2')).toEqual(['ilf-0: own 1', 'ilf-1: own 2']);
    expect(learned('arms/ilf-5')).toEqual([1, 2, 0, 1, 2].map((pick, i) => `ilf-${i}: own ${pick}`));
    for (const [role, kind, n] of [
      ['arms/initial-2', 'x0', 2],
      ['arms/initial-5', 'x0', 5],
      ['arms/gold-2', 'gold', 2],
      ['arms/gold-5', 'gold', 5],
    ] as const)
      expect(learned(role)).toEqual([0, 1, 2, 3, 4].slice(0, n).map((i) => `ilf-${i}: ${kind}`));
    for (const { start } of seen.trained.values()) expect(start).toBe('base');
  });
});

describe('rounds', () => {
  const arms: Arm[] = [
    ['continue, round 1', 'rounds/continue-1', 0.6, [1, 0.5, 0], [1, 1, 0], 1],
    ['continue, round 2', 'rounds/continue-2', 0.45, [1, 0, 0], [0, 0.5, 0], 2],
    ['retrain, round 1', 'rounds/retrain-1', 0.7, [1, 1, 1], [1, 1, 0.5], 3],
    ['retrain, round 2', 'rounds/retrain-2', 0.5, [1, 0, 0], [0.5, 1, 0], 4],
  ];

  it('go on from the last model, or from π_0 on all targets so far', async () => {
    Object.assign(script, { writes, compare: compare(arms), steps: 4, logprob: () => -5 });
    // The first of odd contexts, the second of even ones.
    script.rank = (name, _, { context, refinement }) => {
      expect(name).toBe('instruct-rm');
      const odd = Number(contextIn(context)!.slice(-1)) % 2 === 1;
      return refinement.endsWith(odd ? ' a' : ' bb') ? 0.9 : 0.2;
    };
    const { values } = await valuesOf('rounds', scripted(arms));
    expectValues(values, expected(arms));

    /** The picked refinement of x0 by a model. */
    const refined = (i: number, by: string) => {
      const x0 = `ilf-${i}: ${by} a`;
      return `ilf-${i}: instruct on [${x0}] told [ilf-${i}: feedback on [${x0}]] ${i % 2 === 1 ? 'a' : 'bb'}`;
    };
    const first = [refined(0, 'base'), refined(1, 'base')];
    expect([...seen.trained].map(([role, { start }]) => [role, start])).toEqual([
      ['rounds/continue-1', 'base'],
      ['rounds/continue-2', 'rounds/continue-1'],
      ['rounds/retrain-1', 'base'],
      ['rounds/retrain-2', 'base'],
    ]);
    expect(learned('rounds/continue-1')).toEqual(first);
    expect(learned('rounds/continue-2')).toEqual([2, 3].map((i) => refined(i, 'rounds/continue-1')));
    expect(learned('rounds/retrain-1')).toEqual(first);
    expect(learned('rounds/retrain-2')).toEqual([
      ...first,
      ...[2, 3].map((i) => refined(i, 'rounds/retrain-1')),
    ]);
  });
});
