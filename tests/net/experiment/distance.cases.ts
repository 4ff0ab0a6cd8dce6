// How far tuning moved the models: the study of KL, every value by hand.
import { expect, it } from 'vitest';
import { contextIn, script, seen } from './fake-lm.js';
import { expectValues, valuesOf } from './harness.js';

it('KL is that of free texts both ways, of positions, and of tokens', async () => {
  /** What each arm's numbers are multiplied by. */
  const factor: Record<string, number> = { 'arms/ilf-4': 1, 'arms/initial-4': 2, 'arms/gold-4': 4 };
  const given = ['heldout-0: x y x', 'heldout-1: y', 'heldout-2: x x'];
  // Token by token, with the end: exact KL, and ln q − ln p.
  const exact = [
    [1, 2, 0.5, 0.25, 0.125],
    [4, 0.5, 0.25],
    [0.5, 0.5, 0.75, 8],
  ];
  const ratios = [
    [0.5, 1, -2, 0.25, 0.125],
    [0.25, -1, 0],
    [0, 0.5, 0.5, -0.5],
  ];
  script.writes = ({ role }, prompt, j, p) => {
    expect(j).toBe(0);
    if (prompt === '') return `free ${p} by ${role}`;
    return given[Number(contextIn(prompt)!.slice(-1))]!;
  };
  script.compare = (q, p, prompt, text, tokens) => {
    const tuned = q.role === 'base' ? p.role : q.role;
    const by = factor[tuned]! * (q.role === 'base' ? 16 : 1);
    const times = (of: readonly number[]) => of.map((value) => value * by);
    if (prompt !== '') {
      const i = Number(contextIn(prompt)!.slice(-1));
      const logQ = new Array<number>(tokens).fill(-1);
      return { logQ, logP: ratios[i]!.map((ratio) => -1 - ratio * by), exact: times(exact[i]!) };
    }
    // "free 0 by ROLE": four words and the end.
    const [, place, by2] = /^free (\d) by (.*)$/.exec(text)!;
    expect(by2).toBe(q.role);
    const first = place === '0';
    return {
      logQ: [-1, -2, -0.5, -0.5, 0],
      logP: times(first ? [-8, -1, 0, 0, 0] : [0, 0, -2, 0, -0.5]),
      exact: times(first ? [3, 1, 0.5, 0, 0] : [0.25, 0, 0, 0, 2]),
    };
  };
  const { values } = await valuesOf('kl', { options: { maxTokens: 6 } });
  const two = (first: number, second: number) => ({ 1: first, 2: second });
  // Σ ln q is −4; Σ ln p is −9 and −2.5, times the factors.
  const free = (by: number) => ({
    klTunedBase: two(4.5 * by, 2.25 * by),
    klTunedBaseK1: two(9 * by - 4, 2.5 * by - 4),
    klBaseTuned: two(4.5 * 16 * by, 2.25 * 16 * by),
    klBaseTunedK1: two(9 * 16 * by - 4, 2.5 * 16 * by - 4),
  });
  const positions = (by: number) => ({
    'position 1': [1 * by, 4 * by, 0.5 * by],
    'position 2': [2 * by, 0.5 * by, 0.5 * by],
    'position 3': [0.5 * by, 0.25 * by, 0.75 * by],
    'position 4': [0.25 * by, 0, 8 * by],
    'position 5': [0.125 * by, 0, 0],
    'position 6': [0, 0, 0],
  });
  expectValues(values, {
    ILF: {
      ...free(1),
      ...positions(1),
      'token ␣y': [-2, -1, 0],
      'token ␣x': [1.25, 0, 1],
      'token ␣heldout-0:': [0.5, 0, 0],
      'token ⟨end⟩': [0.125, 0, -0.5],
      'token ␣heldout-1:': [0, 0.25, 0],
      'token ␣heldout-2:': [0, 0, 0],
    },
    'initial outputs': { ...free(2), ...positions(2) },
    'gold summaries': { ...free(4), ...positions(4) },
  });
  // Largest first.
  const measures = [...new Set(values.filter(({ arm }) => arm === 'ILF').map(({ measure }) => measure))];
  expect(measures.filter((measure) => measure.startsWith('token '))).toEqual([
    'token ␣y',
    'token ␣x',
    'token ␣heldout-0:',
    'token ⟨end⟩',
    'token ␣heldout-1:',
    'token ␣heldout-2:',
  ]);
  const asked = seen.sampled.map(({ role, prompts, settings }) => [
    role,
    prompts.length,
    settings.maxNewTokens,
  ]);
  expect(asked).toEqual(
    ['arms/ilf-4', 'arms/initial-4', 'arms/gold-4'].flatMap((role) => [
      [role, 2, 64],
      ['base', 2, 64],
      [role, 3, 6],
      ['base', 3, 6],
    ]),
  );
  for (const { n, settings } of seen.sampled) {
    expect(n).toBe(1);
    expect(settings).toMatchObject({ temperature: 1, topP: 1, topK: 0 });
  }
  expect(new Set(seen.sampled.map(({ settings }) => settings.seed)).size).toBe(12);
});
