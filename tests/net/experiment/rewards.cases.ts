// What rewards are for: the studies of reward models, best-of-n and RL, every value by hand.
import { describe, expect, it } from 'vitest';
import { type Arm, compare, expected, scripted, writes } from './arms.js';
import { contextIn, script, seen } from './fake-lm.js';
import { expectValues, valuesOf, word } from './harness.js';

const log = Math.log;
const REWARD = 'reward-models/quality-bradley-terry-3';

describe('reward models', () => {
  it('are right where the chosen output has the higher reward, half where both have the same', async () => {
    // By model: rewards of the first and the second sample of three comparisons. Of the third, the second was chosen.
    const rewards: Record<string, Record<string, readonly [number, number]>> = {
      'reward-models/quality-bradley-terry-2': { 'ilf-400': [1, 0], 'ilf-401': [0, 1], 'ilf-402': [0, 2] },
      'reward-models/quality-bradley-terry-3': { 'ilf-400': [1, 1], 'ilf-401': [2, 1], 'ilf-402': [1, 0] },
      'reward-models/quality-yes-no-2': { 'ilf-400': [0, 1], 'ilf-401': [1, 1], 'ilf-402': [-3, -2] },
      'reward-models/quality-yes-no-3': { 'ilf-400': [5, 4], 'ilf-401': [1, 0], 'ilf-402': [2, 2] },
    };
    script.writes = (lm, prompt, j) => {
      // Both the same: no comparison.
      if (prompt.includes('ilf-403')) return 'ilf-403: twice';
      return writes(lm, prompt, j);
    };
    script.reward = (role, post, text) => rewards[role]![post]![text.endsWith(' a') ? 0 : 1]!;
    const { values, scalars } = await valuesOf('reward-models');
    expectValues(values, {
      'Bradley–Terry, 2 comparisons': { correct: { 'ilf-400': 1, 'ilf-401': 0, 'ilf-402': 1 } },
      'Bradley–Terry, 3 comparisons': { correct: { 'ilf-400': 0.5, 'ilf-401': 1, 'ilf-402': 0 } },
      'Yes/No, 2 comparisons': { correct: { 'ilf-400': 0, 'ilf-401': 0.5, 'ilf-402': 1 } },
      'Yes/No, 3 comparisons': { correct: { 'ilf-400': 1, 'ilf-401': 1, 'ilf-402': 0.5 } },
    });

    const question = (i: number, letters: string) =>
      `Post: post of ilf-${i}\nSummary: ilf-${i}: base ${letters}\nIs this a good summary?\nAnswer:`;
    const pairs = [
      { chosen: question(100, 'a'), rejected: question(100, 'bb') },
      { chosen: question(101, 'a'), rejected: question(101, 'bb') },
      { chosen: question(102, 'bb'), rejected: question(102, 'a') },
    ];
    expect([...seen.trained.keys()]).toEqual(Object.keys(rewards));
    for (const [role, { start, objective, lr, epochs, pairs: learned }] of seen.trained) {
      expect([start, lr, epochs]).toEqual(['instruct', 3e-4, 1]);
      expect(objective).toBe(`${role.includes('yes-no') ? 'yes-no' : 'bradley-terry'}:  Yes or  No`);
      expect(learned).toEqual(pairs.slice(0, role.endsWith('2') ? 2 : 3));
    }
    expect(new Set([...seen.trained.values()].map(({ seed }) => seed)).size).toBe(4);
    // Comparisons of two sizes, and those that nobody learns from, once.
    expect(seen.sampled.map(({ role, n, prompts }) => [role, n, prompts.length])).toEqual([
      ['base', 2, 2],
      ['base', 2, 4],
      ['base', 2, 3],
    ]);
    for (const { settings } of seen.sampled)
      expect(settings).toMatchObject({ temperature: 0.7, topP: 0.9, maxNewTokens: 40 });
    expect(new Set(seen.sampled.map(({ settings }) => settings.seed)).size).toBe(3);
    expect(scalars.map(([tag]) => tag)).toEqual(
      Object.keys(rewards).flatMap((role) => Array.from({ length: script.steps }, () => `${role}/loss`)),
    );
  });
});

describe('best-of-n', () => {
  it('is what the reward picks, scored by the judge', async () => {
    type Four = readonly [number, number, number, number];
    const rewards: Record<string, readonly [Four, Four]> = {
      base: [
        [2, 1, 4, 3],
        [1, 4, 2, 3],
      ],
      'arms/ilf-4': [
        [1, 3, 3, 2],
        [4, 3, 2, 1],
      ],
    };
    const scores: Record<string, readonly [Four, Four]> = {
      base: [
        [0.2, 0.9, 0.4, 0.6],
        [0.8, 0.3, 0.5, 0.1],
      ],
      'arms/ilf-4': [
        [0.1, 0.5, 0.7, 0.3],
        [0.6, 0.2, 0.8, 0.4],
      ],
    };
    /** ln π − ln π_0 of ILF's texts. */
    const ratios: readonly [Four, Four] = [
      [0.1, 0.2, 0.4, 0.8],
      [-0.1, 0.3, 0.5, 0.7],
    ];
    const place = (text: string) => {
      const [role, letters] = text.split(' ') as [string, string];
      return { role, j: letters.length - 1 };
    };
    script.writes = writes;
    script.reward = (role, post, text) => {
      expect(role).toBe(REWARD);
      const { role: by, j } = place(text.slice(post.length + 2));
      return rewards[by]![Number(post.slice(-1))]![j]!;
    };
    script.logprob = (lm, _, text) => {
      const { role, j } = place(text.slice('heldout-0: '.length));
      if (role === 'base') {
        expect(lm.role).toBe('base');
        return -20 - j;
      }
      return -10 + (lm.role === role ? ratios[Number(contextIn(text)!.slice(-1))]![j]! : 0);
    };
    const { values } = await valuesOf('best-of-n', {
      // π_0's single outputs have 0.5.
      score: (text, i) => (text === 'before' ? 0.5 : scores[place(text).role]![i]![place(text).j]!),
    });
    // Four different rewards: P(rank g of 4) = (g/4)ⁿ − ((g − 1)/4)ⁿ, KL = Σ P ln 4 P.
    const kl2 = (1 * log(1 / 4) + 3 * log(3 / 4) + 5 * log(5 / 4) + 7 * log(7 / 4)) / 16;
    const kl4 = (1 * log(1 / 64) + 15 * log(15 / 64) + 65 * log(65 / 64) + 175 * log(175 / 64)) / 256;
    // One, one, and two tied at the top.
    const tied2 = (1 * log(1 / 4) + 3 * log(3 / 4) + 12 * log(12 / 8)) / 16;
    const tied4 = (1 * log(1 / 64) + 15 * log(15 / 64) + 240 * log(240 / 128)) / 256;
    const bound = { 1: 0, 2: log(2) - 1 / 2, 4: log(4) - 3 / 4 };
    const both = (first: number, second: number) => ({ 'heldout-0': first, 'heldout-1': second });
    const of = (n: 1 | 2 | 4, ...[score, winVsBase, length, klTunedBase]: [number, number][]) => ({
      score: both(...score!),
      winVsBase: both(...winVsBase!),
      length: both(...length!),
      klTunedBase: both(...klTunedBase!),
      klBound: both(bound[n], bound[n]),
    });
    expectValues(values, {
      // Of two: the best with 3/6, the second with 2/6, the third with 1/6. π_0's texts have 17 to 20 characters.
      'π_0, best of 1': of(1, [0.525, 0.425], [0.5, 0.375], [18.5, 18.5], [0, 0]),
      'π_0, best of 2': of(
        2,
        [(0.2 + 2 * 0.6 + 3 * 0.4) / 6, (0.5 + 2 * 0.1 + 3 * 0.3) / 6],
        [2 / 6, 0.5 / 6],
        [(17 + 2 * 20 + 3 * 19) / 6, (19 + 2 * 20 + 3 * 18) / 6],
        [kl2, kl2],
      ),
      'π_0, best of 4': of(4, [0.4, 0.3], [0, 0], [19, 18], [kl4, kl4]),
      // Of two, one of the tied ones in 5 of 6 pairs. ILF's have 23 to 26.
      'ILF, best of 1': of(1, [0.4, 0.5], [0.375, 0.5], [24.5, 24.5], [0.375, 0.35]),
      'ILF, best of 2': of(
        2,
        [(0.3 + 5 * 0.6) / 6, (0.8 + 2 * 0.2 + 3 * 0.6) / 6],
        [(5 * 0.75) / 6, (1 + 3) / 6],
        [(26 + 5 * 24.5) / 6, (25 + 2 * 24 + 3 * 23) / 6],
        [tied2 + (0.8 + 5 * 0.3) / 6, kl2 + (0.5 + 2 * 0.3 - 3 * 0.1) / 6],
      ),
      'ILF, best of 4': of(4, [0.6, 0.6], [0.75, 1], [24.5, 23], [tied4 + 0.3, kl4 - 0.1]),
    });
    const [base, ilf] = seen.sampled.filter(({ n }) => n === 4);
    expect([base!.role, ilf!.role]).toEqual(['base', 'arms/ilf-4']);
    for (const { prompts, settings } of [base!, ilf!]) {
      expect(prompts.map(contextIn)).toEqual(['heldout-0', 'heldout-1']);
      expect(settings).toMatchObject({ temperature: 1, topP: 1, topK: 0, maxNewTokens: 40 });
    }
    expect(base!.settings.seed).not.toBe(ilf!.settings.seed);
  });
});

describe('RL', () => {
  it('learns from its own texts by the reward and the KL penalty, and is measured as any model', async () => {
    const arms: Arm[] = [
      ['RL, β = 2', 'rl/beta-2', 0.6, [1, 0.5, 0], [1, 1, 0], 1],
      ['RL, β = 0.5', 'rl/beta-0.5', 0.45, [1, 0, 0], [0, 0.5, 0], 2],
      ['RL, β = 0.25', 'rl/beta-0.25', 0.7, [1, 1, 1], [1, 1, 0.5], 3],
    ];
    // r = 1 + 2 s + j and ln π_θ − ln π_0 = (s + 1) j / 8 of the j-th text of step s.
    script.writes = (lm, prompt, j) =>
      lm.step === null ? writes(lm, prompt, j) : `${contextIn(prompt)}: step ${lm.step} ${word(j)}`;
    const place = (text: string) => {
      const [, s, letters] = /step (\d) (\w+)$/.exec(text)!;
      return { s: Number(s), j: letters!.length - 1 };
    };
    script.reward = (role, _, text) => {
      expect(role).toBe(REWARD);
      return 1 + 2 * place(text).s + place(text).j;
    };
    script.logprob = (lm, _, text) => {
      const { s, j } = place(text);
      expect([lm.role, [s, null]]).toEqual(['base', expect.arrayContaining([lm.step])]);
      return -30 + (lm.step === null ? 0 : ((s + 1) * j) / 8);
    };
    script.compare = compare(arms);
    const { values, scalars } = await valuesOf('rl', scripted(arms));
    const training = (reward: [number, number], kl: [number, number], objective: [number, number]) => ({
      trainingReward: { 1: reward[0], 2: reward[1] },
      trainingKl: { 1: kl[0], 2: kl[1] },
      trainingObjective: { 1: objective[0], 2: objective[1] },
    });
    // Mean of j: 3.5. r/β − KL.
    const models = expected(arms);
    expectValues(values, {
      'RL, β = 2': { ...models['RL, β = 2'], ...training([4.5, 6.5], [0.4375, 0.875], [1.8125, 2.375]) },
      'RL, β = 0.5': { ...models['RL, β = 0.5'], ...training([4.5, 6.5], [0.4375, 0.875], [8.5625, 12.125]) },
      'RL, β = 0.25': {
        ...models['RL, β = 0.25'],
        ...training([4.5, 6.5], [0.4375, 0.875], [17.5625, 25.125]),
      },
    });
    const seeds = new Set<number>();
    for (const [role, beta] of [
      ['rl/beta-2', 2],
      ['rl/beta-0.5', 0.5],
      ['rl/beta-0.25', 0.25],
    ] as const) {
      const { start, lr, steps, rollouts } = seen.trained.get(role)!;
      expect([start, lr, steps]).toEqual(['base', 2e-4, 2]);
      expect(rollouts.map((of) => of.length)).toEqual([64, 64]);
      for (const [s, of] of rollouts.entries()) {
        // Eight prompts over four contexts: each of them twice.
        const contexts = of.map(({ prompt }) => contextIn(prompt)!);
        for (const id of ['ilf-0', 'ilf-1', 'ilf-2', 'ilf-3'])
          expect(contexts.filter((other) => other === id).length).toBe(16);
        for (const [i, { prompt, text, advantage }] of of.entries()) {
          const j = i % 8;
          expect(prompt).toBe(`Post: post of ${contexts[i]}\nSummary:`);
          expect(text).toBe(`${contexts[i]}: step ${s} ${word(j)}`);
          // R = r − β · ratio is 1 − β (s + 1)/8 for each j more; against the mean of the other seven.
          expect(advantage).toBeCloseTo((8 / 7) * (j - 3.5) * (1 - (beta * (s + 1)) / 8), 4);
        }
      }
      expect(scalars.filter(([tag]) => tag.startsWith(`${role}/`)).slice(0, 6)).toEqual([
        [`${role}/reward`, 1, 4.5],
        [`${role}/kl`, 1, 0.4375],
        [`${role}/loss`, 1, 100],
        [`${role}/reward`, 2, 6.5],
        [`${role}/kl`, 2, 0.875],
        [`${role}/loss`, 2, 101],
      ]);
    }
    for (const { settings } of seen.sampled.filter(({ step }) => step !== null)) {
      expect(settings).toMatchObject({ temperature: 1, topP: 1, topK: 0, maxNewTokens: 40 });
      seeds.add(settings.seed);
    }
    expect(seeds.size).toBe(6);
  });
});
