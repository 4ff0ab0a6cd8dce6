import { describe, expect, it } from 'vitest';
import { STUDIES } from '../../src/experiment/names.js';
import {
  type ClaimRule,
  claimOf,
  claimRules,
  undecidedBy,
  verdictOf,
} from '../../src/experiment/page/claims.js';
import { studies } from '../../src/experiment/studies/index.js';
import { Values } from '../../src/experiment/values.js';
import { drawn, madeUp } from './made-up.js';

const ruleOf = (id: string): ClaimRule => claimRules.find((rule) => rule.id === id)!;

describe('the studies', () => {
  it('are those that the command line knows, in its order', () => {
    expect(studies.map(({ name }) => name)).toEqual([...STUDIES]);
  });
});

describe('the claims', () => {
  const values = new Values(madeUp(drawn));

  it('have names of their own and a section that there is', () => {
    const ids = claimRules.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    for (const { section } of claimRules) expect(['frontier', ...STUDIES]).toContain(section);
  });

  it.each(claimRules)('$id is measured where all studies were run', (rule) => {
    const { section, decide, noteOnBriefs, ...kept } = rule;
    const claim = claimOf(rule, values);
    expect(claim).toMatchObject({ ...kept, note: rule.note ?? noteOnBriefs ?? '' });
    expect(claimOf(rule, values, true).note).toBe(rule.note ?? '');
    expect(claim.verdict).not.toBe('not measured');
    const { value, lo, hi } = claim.difference!;
    for (const number of [value, lo, hi]) expect(number).toBeTypeOf('number');
    expect(lo).toBeLessThanOrEqual(value);
    expect(hi).toBeGreaterThanOrEqual(value);
    expect(claim.verdict).toBe(verdictOf(claim.difference!));
    expect(claim.ours).toMatch(/\d/);
    expect(claim.ours).not.toMatch(/NaN|undefined|unknown|∞/);
  });

  it('are decided neither way where something must be known first, whatever their numbers', () => {
    const few = { kind: 'few contexts', says: 'Too few held-out contexts: 3.' } as const;
    const verdicts = ['held', 'failed', 'undecided'] as const;
    for (const [i, rule] of claimRules.entries()) {
      const claim = { ...claimOf(rule, values), verdict: verdicts[i % 3]! };
      expect(undecidedBy([], claim)).toEqual(claim);
      const { verdict, note, ...numbers } = undecidedBy([few], claim);
      expect(claim).toMatchObject(numbers);
      expect([verdict, note]).toEqual([
        'undecided',
        `Undecided: too few held-out contexts.${claim.note && ` ${claim.note}`}`,
      ]);
    }
    const absent = claimOf(claimRules[0]!, new Values([]));
    expect(undecidedBy([few], absent)).toEqual(absent);
  });

  it('are not measured where their studies were not run', () => {
    const nothing = new Values([]);
    for (const rule of claimRules)
      expect(claimOf(rule, nothing)).toMatchObject({ verdict: 'not measured', difference: null, ours: '–' });
    const refinements = new Values(madeUp(drawn).filter(({ study }) => study === 'refinements'));
    for (const rule of claimRules)
      expect(claimOf(rule, refinements).verdict === 'not measured').toBe(rule.section !== 'refinements');
  });

  it('turn into their opposites where everything is mirrored', () => {
    const mirrored = new Values(madeUp((at) => 1 - drawn(at)));
    const opposite = {
      held: 'failed',
      failed: 'held',
      undecided: 'undecided',
      'not measured': 'not measured',
    };
    for (const rule of claimRules) {
      const [claim, other] = [claimOf(rule, values), claimOf(rule, mirrored)];
      expect(other.difference!.value).toBeCloseTo(-claim.difference!.value);
      expect(other.verdict, rule.id).toBe(opposite[claim.verdict]);
    }
  });
});

describe('a verdict', () => {
  it('is held above 0, failed below, undecided where the interval has 0 in it or at an end', () => {
    const verdict = (lo: number, hi: number) => verdictOf({ value: (lo + hi) / 2, lo, hi, n: 9 });
    expect(verdict(0.01, 0.2)).toBe('held');
    expect(verdict(-0.2, -0.01)).toBe('failed');
    for (const [lo, hi] of [
      [-0.1, 0.2],
      [0, 0.2],
      [-0.2, 0],
      [0, 0],
      [-Infinity, Infinity],
    ] as const)
      expect(verdictOf({ value: 0, lo, hi, n: 9 })).toBe('undecided');
  });

  // What was claimed to be larger, and than what.
  it.each([
    ['ensemble-single', 'rankers', 'winVsRandom', 'InstructRM', 'single prompts, mean'],
    ['longest-instruct-rm', 'rankers', 'winVsRandom', 'longest', 'InstructRM'],
    [
      'reward-model-bradley-terry-instruct-rm',
      'rankers',
      'winVsRandom',
      'reward model, Bradley–Terry',
      'InstructRM',
    ],
    [
      'reward-model-data',
      'reward-models',
      'correct',
      'Bradley–Terry, 300 comparisons',
      'Bradley–Terry, 100 comparisons',
    ],
    [
      'feedback-incorporated',
      'refinements',
      'incorporated',
      'with feedback, random pick',
      'without feedback',
    ],
    ['human-incorporated', 'refinements', 'incorporated', 'written', 'with feedback, InstructRM’s pick'],
    ['ilf-human', 'targets', 'score', 'ILF', 'gold summaries'],
    ['one-epoch', 'targets', 'score', 'ILF', 'ILF, 2 epochs'],
    ['ilf-data', 'sizes', 'score', 'ILF, 300', 'ILF, 100'],
    ['best-of-n-ilf', 'best-of-n', 'score', 'π_0, best of 16', 'ILF, best of 1'],
    ['ilf-best-of-n', 'best-of-n', 'score', 'ILF, best of 16', 'π_0, best of 16'],
    ['klBaseTuned-initial-human', 'kl', 'klBaseTuned', 'initial outputs', 'gold summaries'],
    // Nearer is smaller: ILF is further from RL's target, RL further from ILF's.
    ['mode-seeking', 'posterior', 'klToRewardTarget', 'ILF', 'RL, β = 0.5'],
    ['mass-covering', 'posterior', 'klFromPosterior', 'RL, β = 0.5', 'ILF'],
    ['ilf-picks', 'posterior', 'klFromPicks', 'base model', 'ILF'],
    ['ladder', 'ladder', 'gain', '3 × 64', '2 × 32'],
  ])('of %s is that of %s, %s: %s above %s', (id, study, measure, a, b) => {
    const verdict = (high: string, low: string) =>
      claimOf(
        ruleOf(id),
        new Values(
          madeUp((at) =>
            at.study !== study || at.measure !== measure
              ? 0.5
              : at.arm === high
                ? 0.9
                : at.arm === low
                  ? 0.1
                  : 0.5,
          ),
        ),
      ).verdict;
    expect(verdict(a, b)).toBe('held');
    expect(verdict(b, a)).toBe('failed');
    expect(verdict('', '')).toBe('undecided');
  });

  it.each([
    ['best-of-n-bound', 'best-of-n', 'π_0, best of 16', 'klBound', 'klTunedBase'],
    ['reverse-forward', 'kl', 'ILF', 'klTunedBase', 'klBaseTuned'],
  ])('of %s is that of %s, %s: %s above %s', (id, study, arm, a, b) => {
    const verdict = (high: string) =>
      claimOf(
        ruleOf(id),
        new Values(madeUp((at) => (at.study === study && at.arm === arm && at.measure === high ? 0.9 : 0.5))),
      ).verdict;
    expect(verdict(a)).toBe('held');
    expect(verdict(b)).toBe('failed');
  });

  it.each([
    ['instruct-rm-random', 'InstructRM', 'winVsRandom'],
    ['longest-random', 'longest', 'winVsRandom'],
    ['feedback-initial', 'with feedback, random pick', 'winVsInitial'],
  ])('of %s is whether %s has more than a half of %s', (id, arm, measure) => {
    const verdict = (value: number) =>
      claimOf(
        ruleOf(id),
        new Values(madeUp((at) => (at.arm === arm && at.measure === measure ? value : 0.5))),
      ).verdict;
    expect(verdict(0.9)).toBe('held');
    expect(verdict(0.1)).toBe('failed');
    expect(verdict(0.5)).toBe('undecided');
  });
});
