// The run's charts: what their captions say of the axis, what a single round leaves out, and each panel's own scale.
import { describe, expect, it } from 'vitest';
import type { Estimate, KlEstimates } from '../../src/bayes/index.js';
import { distributionChart } from '../../src/report/run/charts/distribution.js';
import { klChart } from '../../src/report/run/charts/kl.js';
import { reportCharts } from '../../src/report/run/charts.js';
import { sampleReport } from './sample-report.js';

const estimate = (value: number, hi: number): Estimate => ({ value, lo: value / 2, hi, n: 20 });
const kl = (hi: number): KlEstimates => {
  const tame = estimate(2, 2.2);
  return { raoBlackwell: tame, k1: tame, k2: tame, k3TokenSum: tame, k3: estimate(2.1, hi) };
};
const chartOf = (his: number[]) =>
  klChart(
    'kl',
    'KL',
    his.map((_, i) => ({ round: i + 1, contexts: 9 })),
    ({ round }) => kl(his[round - 1]!),
  );

describe('the KL chart', () => {
  it.each([2.15, 2.5, 3.2])('is not said to be cut where an interval up to %d fits', async (hi) => {
    const chart = (await chartOf([hi]))!;
    expect(chart.caption).not.toContain('Cut off');
    // Drawn in full: every interval ends inside the plot, below its upper edge.
    const ends = [...chart.svg.matchAll(/<line[^>]*stroke="var\(--chart-4[^>]*/g)].length;
    expect(ends).toBe(1);
  });

  it.each([40, Number.POSITIVE_INFINITY])('says so where one up to %d does not', async (hi) => {
    const text = (await chartOf([hi]))!.caption;
    if (Number.isFinite(hi)) expect(text).toMatch(/Cut off at the axis: k3 by sequence, up to 40/);
  });

  it('names the round where there are several, and nothing by round where there is one', async () => {
    const [one, two] = [(await chartOf([40]))!, (await chartOf([40, 2.2]))!];
    expect(one.title).toBe('KL');
    expect(one.svg).not.toContain('>round<');
    expect(two.title).toBe('KL by round');
    expect(two.caption).toContain('k3 by sequence, round 1, up to 40');
    expect(two.svg).toContain('>round<');
  });
});

describe('a run of one round', () => {
  const of = (rounds: number) => {
    const report = sampleReport();
    const [base, ...tuned] = report.rounds;
    return { ...report, rounds: [base!, ...tuned.slice(0, rounds)] };
  };
  it('has no chart by round; one of two rounds has', async () => {
    const titles = async (rounds: number) => (await reportCharts(of(rounds))).map(({ title }) => title);
    expect((await titles(1)).filter((title) => /by round/i.test(title))).toEqual([]);
    expect((await titles(2)).filter((title) => /by round/i.test(title)).length).toBeGreaterThan(1);
  });
});

it('gives each panel of scores its own axis: a reference all in one bin does not flatten the others', async () => {
  const spread = Array.from({ length: 100 }, (_, i) => i / 100);
  const scores = { base: spread, tuned: spread, gold: spread.map(() => 1) };
  const chart = (await distributionChart({ ...sampleReport(), scores }))!;
  // Bars of 5 %: their axes end at some 5 %; the reference's at 100 %.
  const percents = [...chart.svg.matchAll(/>(\d+)%</g)].map(([, text]) => Number(text));
  expect(percents.filter((percent) => percent > 10)).toEqual([50, 100]);
});
