// The charts of a report, as SVG strings. Every chart has axis titles with units, shows intervals where its numbers have
// them, and says its n. What cannot be drawn from the numbers given is left out.
import { type Estimate, type KlEstimates, meanEstimate } from '../../bayes/index.js';
import {
  blue,
  type Chart,
  chart,
  counts,
  faint,
  green,
  ink,
  interval,
  intervalsX,
  intervalsY,
  orange,
  purple,
  referenceX,
  referenceY,
  width,
} from '../charts/chart-kit.js';
import { formatNumber } from '../format.js';
import type { RankedPoint, Report, RoundMeasures } from './types.js';

export type { Chart } from '../charts/chart-kit.js';

/** All charts that the report's numbers allow, in reading order. */
export async function reportCharts(report: Report): Promise<Chart[]> {
  const { measures, rounds, ranked } = report;
  const made = await Promise.all([
    ratesChart(
      'incorporated',
      'Feedback incorporated by refinements',
      'share of refinements that settle every point',
      [
        ['with the feedback', measures.incorporated?.feedback],
        ['without feedback', measures.incorporated?.noFeedback],
        ['shuffled feedback', measures.incorporated?.shuffledFeedback],
      ],
    ),
    ratesChart(
      'win-rate',
      'Win rates',
      'share of comparisons won, ties as half',
      [
        ['tuned against base', measures.winRate?.tunedVsBase],
        ['tuned against gold', measures.winRate?.tunedVsGold],
        ['base against gold', measures.winRate?.baseVsGold],
      ],
      { value: 0.5, label: 'draw' },
    ),
    roundsChart(
      'score-rounds',
      'Score by round',
      'mean score',
      rounds.map((r) => [r.round, r.score]),
      measures.score?.gold && { value: measures.score.gold.value, label: `gold ${report.words.outputs}` },
    ),
    roundsChart(
      'win-rate-rounds',
      'Win rate by round',
      'share won against base',
      rounds.map((r) => [r.round, r.winRate]),
      { value: 0.5, label: 'draw' },
    ),
    klChart('kl-tuned-from-base', 'KL(tuned ‖ base) by round', rounds, (r) => r.kl?.tunedFromBase),
    klChart('kl-base-from-tuned', 'KL(base ‖ tuned) by round', rounds, (r) => r.kl?.baseFromTuned),
    rankingChart(report.ranker, measures.ranking),
    rankedChart(report.ranker, ranked, measures.ranking?.pairAccuracy),
    distributionChart(report),
    weightsChart(report.posterior?.weights),
  ]);
  return made.filter((chart) => chart !== undefined);
}

/** Shares with intervals, one below the other, on a whole axis from 0 to 100%. */
async function ratesChart(
  id: string,
  title: string,
  axis: string,
  bars: [label: string, estimate: Estimate | undefined][],
  rule?: { value: number; label: string },
): Promise<Chart | undefined> {
  const values = bars.flatMap(([label, e]) => (e ? [{ label, ...interval(e) }] : []));
  if (values.length === 0) return undefined;
  const x = {
    field: 'value',
    type: 'quantitative',
    scale: { domain: [0, 1] },
    axis: { format: '.0%', tickCount: 5, title: axis },
  };
  return chart(id, title, `Bars: intervals; ${counts(values)}.`, {
    width: 215,
    height: { step: 38 },
    layer: [
      ...(rule ? referenceX(rule) : []),
      ...intervalsX(
        values,
        x,
        bars.map(([label]) => label),
      ),
    ],
  });
}

/** Mean score of each ranker's pick. */
async function rankingChart(
  ranker: string,
  ranking: Report['measures']['ranking'],
): Promise<Chart | undefined> {
  const controls: [string, Estimate | undefined][] = [
    ['random', ranking?.random],
    ['longest', ranking?.longest],
  ];
  // A ranker that is one of the controls has its bar already.
  const isControl = controls.some(([label]) => label === ranker);
  const picks = isControl ? controls : [[ranker, ranking?.picked] as const, ...controls];
  const values = picks.flatMap(([label, e]) => (e ? [{ label, ...interval(e) }] : []));
  if (values.length === 0) return undefined;
  const x = {
    field: 'value',
    type: 'quantitative',
    scale: { zero: false, nice: true, padding: 12 },
    axis: { tickCount: 5, title: 'mean score of the picked refinement' },
  };
  const gain = ranking?.pickedMinusRandom;
  const paired = gain
    ? ` ${ranker} minus random, paired: ${formatNumber(gain.value, 'score')} (${formatNumber(gain.lo, 'score')} to ${formatNumber(gain.hi, 'score')}).`
    : '';
  return chart(
    'ranking',
    'What each ranker picks',
    `Bars: intervals; ${counts(values)}. The axis does not start at 0.${paired}`,
    {
      width: 215,
      height: { step: 38 },
      layer: intervalsX(
        values,
        x,
        picks.map(([label]) => label),
      ),
    },
  );
}

/** A measure after each round, round 0 the base model. */
async function roundsChart(
  id: string,
  title: string,
  axis: string,
  points: [round: number, estimate: Estimate | undefined][],
  rule?: { value: number; label: string },
): Promise<Chart | undefined> {
  const values = points.flatMap(([round, e]) => (e ? [{ round, ...interval(e) }] : []));
  if (values.length === 0) return undefined;
  const share = id.startsWith('win');
  const inside = values.every((v) => v.value >= 0 && v.value <= 1) && (rule?.value ?? 0) <= 1;
  const y = {
    field: 'value',
    type: 'quantitative',
    scale: inside ? { domain: [0, 1] } : { zero: true },
    axis: { title: axis, tickCount: 5, ...(share && { format: '.0%' }) },
  };
  const x = { field: 'round', type: 'ordinal', axis: { title: 'round (0: base model)', labelAngle: 0 } };
  return chart(id, title, `Bars: intervals; ${counts(values)}.`, {
    width,
    height: 190,
    layer: [
      ...(rule ? referenceY(rule) : []),
      {
        data: { values },
        mark: { type: 'line', color: blue, strokeWidth: 1.5, opacity: 0.5 },
        encoding: { x, y },
      },
      ...intervalsY(values, x, y, { value: blue }),
    ],
  });
}

const estimators: [key: keyof KlEstimates, label: string, color: string, shape: string][] = [
  ['raoBlackwell', 'exact', blue, 'circle'],
  ['k1', 'k1', orange, 'square'],
  ['k3TokenSum', 'k3 by token', green, 'triangle-up'],
  ['k3', 'k3 by sequence', purple, 'diamond'],
];

/** One direction of the KL after each round by each estimator, side by side. */
async function klChart(
  id: string,
  title: string,
  rounds: readonly RoundMeasures[],
  pick: (round: RoundMeasures) => KlEstimates | undefined,
): Promise<Chart | undefined> {
  const values = rounds.flatMap((r) =>
    estimators.flatMap(([key, estimator]) => {
      const e = pick(r)?.[key];
      return e ? [{ round: r.round, estimator, ...interval(e) }] : [];
    }),
  );
  if (values.length === 0) return undefined;
  // A rare ratio can throw the sequence k3 far off; the axis follows the estimators that behave, and the caption says so.
  const tame = values.filter((v) => v.estimator !== 'k3 by sequence');
  const top = 1.15 * Math.max(...tame.map((v) => v.hi ?? v.value));
  const bottom = Math.min(0, ...tame.map((v) => v.lo ?? v.value));
  const beyond = values.filter((v) => (v.hi ?? v.value) > top || (v.lo ?? v.value) < bottom);
  const y = {
    field: 'value',
    type: 'quantitative',
    scale: { domain: [bottom, top], nice: true },
    axis: { title: 'nats per sequence', tickCount: 5 },
  };
  const used = estimators.filter(([, label]) => values.some((v) => v.estimator === label));
  const labels = used.map(([, label]) => label);
  const xOffset = { field: 'estimator', scale: { domain: labels, paddingOuter: 0.6 } };
  const x = { field: 'round', type: 'ordinal', axis: { title: 'round (0: base model)', labelAngle: 0 } };
  const legend = { title: null, orient: 'top', columns: 2, symbolSize: 60, columnPadding: 16 };
  const color = { field: 'estimator', scale: { domain: labels, range: used.map(([, , c]) => c) }, legend };
  const shape = { field: 'estimator', scale: { domain: labels, range: used.map(([, , , s]) => s) }, legend };
  const clipped =
    beyond.length > 0
      ? ` Cut off at the axis: ${beyond.map((v) => `${v.estimator}, round ${v.round}, up to ${v.hi === null ? 'infinity' : formatNumber(v.hi, 'nats')}`).join('; ')}.`
      : '';
  return chart(
    id,
    title,
    `Bars: intervals; ${counts(values)}. All estimate the same number; none is clamped.${clipped}`,
    { width, height: 190, layer: intervalsY(values, { ...x }, y, color, { xOffset, shape }) },
  );
}

/** Distribution of single outputs' scores before and after, one panel below the other on one axis. */
async function distributionChart({ scores, words }: Report): Promise<Chart | undefined> {
  const series = (
    [
      ['base', scores?.base],
      ['tuned', scores?.tuned],
      ['gold', scores?.gold],
    ] as const
  ).flatMap(([label, values]) => (values && values.length > 0 ? [{ label, values }] : []));
  if (series.length === 0) return undefined;
  const all = series.flatMap((s) => s.values);
  const [lo, hi] = all.every((v) => v >= 0 && v <= 1) ? [0, 1] : [Math.min(...all), Math.max(...all)];
  const bins = 20;
  const step = (hi - lo) / bins || 1;
  const values = series.flatMap(({ label, values: scored }) => {
    const counted = new Array<number>(bins).fill(0);
    for (const v of scored) counted[Math.min(bins - 1, Math.floor((v - lo) / step + 1e-9))]!++;
    return counted.map((count, bin) => ({
      label: `${label} (n = ${scored.length})`,
      start: lo + bin * step,
      end: lo + (bin + 1) * step,
      share: count / scored.length,
    }));
  });
  const order = series.map((s) => `${s.label} (n = ${s.values.length})`);
  const means = series.map((s, i) => ({
    label: order[i],
    mean: s.values.reduce((sum, v) => sum + v, 0) / s.values.length,
  }));
  const top = Math.max(...values.map((v) => v.share));
  const panels = order.map((label, i) => ({
    width,
    height: 64,
    title: { text: label, anchor: 'start', fontSize: 11, fontWeight: 'normal', offset: 4 },
    layer: [
      {
        data: { values: values.filter((v) => v.label === label) },
        mark: {
          type: 'bar',
          color: [faint, blue, green][['base', 'tuned', 'gold'].indexOf(series[i]!.label)],
        },
        encoding: {
          x: {
            field: 'start',
            bin: { binned: true, step },
            type: 'quantitative',
            scale: { domain: [lo, hi] },
            axis: {
              title:
                i === order.length - 1
                  ? `score of ${/^[aeiou]/.test(words.output) ? 'an' : 'a'} ${words.output}`
                  : null,
              labels: i === order.length - 1,
              values: Array.from({ length: 6 }, (_, tick) => lo + (tick * (hi - lo)) / 5),
              tickCount: 5,
            },
          },
          x2: { field: 'end' },
          y: {
            field: 'share',
            type: 'quantitative',
            scale: { domain: [0, top] },
            axis: { title: 'share', format: '.0%', tickCount: 2 },
          },
        },
      },
      {
        data: { values: [means[i]] },
        mark: { type: 'rule', color: ink, strokeWidth: 2 },
        encoding: { x: { field: 'mean', type: 'quantitative' } },
      },
    ],
  }));
  return chart(
    'scores',
    'Scores before and after',
    `Line: mean (${means.map((m, i) => `${series[i]!.label} ${m.mean.toFixed(3)}`).join(', ')}). Same contexts in all panels.`,
    { vconcat: panels, spacing: 10 },
  );
}

/** The ranker's score against the oracle's: every refinement faintly, and the mean of equally filled bins with intervals. */
async function rankedChart(
  ranker: string,
  ranked: readonly RankedPoint[] | undefined,
  pairs: Estimate | undefined,
): Promise<Chart | undefined> {
  if (!ranked || ranked.length === 0) return undefined;
  const bins = calibration(ranked, 6);
  // A few thousand translucent points say as much as all, in a page that still opens at once.
  const every = Math.ceil(ranked.length / 1500);
  const shown = ranked.filter((_, i) => i % every === 0).map(({ ranker, oracle }) => ({ ranker, oracle }));
  const inside = ranked.every((p) => p.oracle >= 0 && p.oracle <= 1);
  const x = {
    field: 'ranker',
    type: 'quantitative',
    scale: { zero: false },
    axis: {
      title: ranker === 'InstructRM' ? 'ranker’s score, p(Yes) / (p(Yes) + p(No))' : `score by ${ranker}`,
      tickCount: 5,
    },
  };
  const y = {
    field: 'oracle',
    type: 'quantitative',
    ...(inside && { scale: { domain: [0, 1] } }),
    axis: { title: 'judge’s score', tickCount: 5 },
  };
  const contexts = new Set(ranked.map((p) => p.context)).size;
  const within = pairs
    ? ` Within one context it orders ${formatNumber(pairs.value, 'share')} of pairs right (${formatNumber(pairs.lo, 'share')} to ${formatNumber(pairs.hi, 'share')}): a slope over all contexts does not show that.`
    : '';
  return chart(
    'ranker-judge',
    'Ranker’s score against the judge’s',
    `Points: ${shown.length === ranked.length ? 'all' : `${shown.length} of`} ${ranked.length} refinements of ${contexts} contexts; bars: mean of each sixth, 95% interval.${within}`,
    {
      width,
      height: 220,
      layer: [
        {
          data: { values: shown },
          mark: { type: 'circle', size: 14, opacity: 0.22, color: faint, clip: true },
          encoding: { x, y },
        },
        {
          data: { values: bins },
          mark: { type: 'line', color: blue, strokeWidth: 1.5, opacity: 0.6 },
          encoding: { x, y },
        },
        {
          data: { values: bins.filter((b) => b.lo !== null) },
          mark: { type: 'rule', color: blue, strokeWidth: 2 },
          encoding: { x, y: { ...y, field: 'lo' }, y2: { field: 'hi' } },
        },
        {
          data: { values: bins },
          mark: { type: 'point', filled: true, size: 70, opacity: 1, color: blue },
          encoding: { x, y },
        },
      ],
    },
  );
}

/** Mean oracle score of equally filled bins of the ranker's score; the interval resamples the contexts within a bin. */
export function calibration(
  ranked: readonly RankedPoint[],
  bins: number,
): { ranker: number; oracle: number; lo: number | null; hi: number | null }[] {
  const sorted = [...ranked].sort((a, b) => a.ranker - b.ranker);
  return Array.from({ length: bins }, (_, bin) => {
    const part = sorted.slice(
      Math.floor((bin * sorted.length) / bins),
      Math.floor(((bin + 1) * sorted.length) / bins),
    );
    if (part.length === 0) return undefined;
    const e = meanEstimate([...oracleByContext(part).values()], { resamples: 500 });
    const { lo, hi } = interval(e);
    return { ranker: part.reduce((sum, p) => sum + p.ranker, 0) / part.length, oracle: e.value, lo, hi };
  }).filter((b) => b !== undefined);
}

function oracleByContext(points: readonly RankedPoint[]): Map<string | number, number[]> {
  const groups = new Map<string | number, number[]>();
  for (const p of points) groups.set(p.context, [...(groups.get(p.context) ?? []), p.oracle]);
  return groups;
}

/** Posterior weights of each context's refinements, heaviest first: how far from uniform, how far from the argmax. */
async function weightsChart(weights: number[][] | undefined): Promise<Chart | undefined> {
  const sizes = new Set(weights?.map((w) => w.length));
  if (!weights || weights.length === 0 || sizes.size !== 1 || sizes.has(0)) return undefined;
  const n = weights[0]!.length;
  const sorted = weights.map((w) => [...w].sort((a, b) => b - a));
  const values = Array.from({ length: n }, (_, rank) => ({
    rank: rank + 1,
    ...interval(
      meanEstimate(
        sorted.map((w) => w[rank]!),
        { bounds: [0, 1], resamples: 500 },
      ),
    ),
  }));
  const x = { field: 'rank', type: 'ordinal', axis: { title: 'refinement, heaviest first', labelAngle: 0 } };
  const y = {
    field: 'value',
    type: 'quantitative',
    scale: { domain: [0, 1] },
    axis: { title: 'posterior weight ω', tickCount: 5 },
  };
  return chart(
    'weights',
    'Posterior weights',
    `Mean over ${weights.length} contexts, 95% intervals; dashed: all equal.`,
    {
      width,
      height: 170,
      layer: [...referenceY({ value: 1 / n, label: `1/${n}` }), ...intervalsY(values, x, y, { value: blue })],
    },
  );
}
