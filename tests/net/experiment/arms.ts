/** Arms that have a model: what their models write, what that is worth, and how far they are from π_0; and the values by hand. */
import { expect } from 'vitest';
import { contextIn, type FakeLM, type script } from './fake-lm.js';
import { type Scripted, word } from './harness.js';

/** Of a model: its score's tenths, what its texts win against π_0's and the gold ones, and its KL. */
export type Arm = [name: string, role: string, score: number, base: number[], gold: number[], kl: number];

/** π_0's outputs and the gold ones, by context; a model's j-th text has its score + 0.01 · context + 0.002 · j. */
const given: Record<string, readonly number[]> = { before: [0.4, 0.611, 0.7], gold: [0.501, 0.461, 0.721] };

export const scripted = (arms: readonly Arm[]): Scripted => ({
  score: (text, i) => {
    if (text in given) return given[text]![i]!;
    const [role, letters] = text.split(' ') as [string, string];
    return arms.find((arm) => arm[1] === role)![2] + 0.01 * i + 0.002 * (letters.length - 1);
  },
});

/** A model writes its name; the one tuned on feedback and refinements writes feedback first. */
export function writes({ role }: FakeLM, prompt: string, j: number): string {
  const id = contextIn(prompt)!;
  const refine = /^Post: (.*)\nSummary: (.*)\nFeedback: (.*)\nNew summary:$/.exec(prompt);
  if (refine) return `${id}: ${role} on [${refine[2]}] told [${refine[3]}] ${word(j)}`;
  expect(prompt).toBe(`Post: post of ${id}\nSummary:`);
  return role.includes('feedback-refinement')
    ? `${id}: said New summary: ${id}: ${role} ${word(j)}`
    : `${id}: ${role} ${word(j)}`;
}

/** Exact KL of the first token by the arm, of the second by the context; 16 times as much from the other side. */
export const compare =
  (arms: readonly Arm[]): typeof script.compare =>
  (q, p, prompt, text, tokens) => {
    expect(text).toContain(`: ${q.role} a`);
    const tuned = q.role === 'base' ? p.role : q.role;
    expect([q.role, p.role]).toContain('base');
    const kl = arms.find((arm) => arm[1] === tuned)![5] * (q.role === 'base' ? 16 : 1);
    const zeros = new Array<number>(tokens).fill(0);
    const exact = [...zeros];
    exact[0] = kl;
    exact[1] = Number(contextIn(prompt)!.slice(-1)) / 2;
    return { logQ: zeros, logP: zeros, exact };
  };

export const expected = (arms: readonly Arm[]) =>
  Object.fromEntries(
    arms.map(([name, role, score, base, gold, kl]) => [
      name,
      {
        // 0.002 · (0 + 1) / 2
        score: [score + 0.001, score + 0.011, score + 0.021],
        winVsBase: base,
        winVsGold: gold,
        // "a" and "bb"
        length: [0, 1, 2].map((i) => `heldout-${i}: ${role} `.length + 1.5),
        klTunedBase: [kl, kl + 0.5, kl + 1],
        klBaseTuned: [16 * kl, 16 * kl + 0.5, 16 * kl + 1],
      },
    ]),
  );
