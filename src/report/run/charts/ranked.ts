import { type Estimate, meanEstimate } from '../../../bayes/index.js';
import { blue, type Chart, chart, faint, interval, width } from '../../charts/chart-kit.js';
import { formatNumber } from '../../format.js';
import type { RankedPoint } from '../types.js';

/** The ranker's score against the oracle's: every refinement faintly, and the mean of equally filled bins with intervals. */
export async function rankedChart(
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
function calibration(
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
