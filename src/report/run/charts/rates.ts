import type { Estimate } from '../../../bayes/index.js';
import { type Chart, chart, counts, interval, intervalsX, referenceX } from '../../charts/chart-kit.js';

/** Shares, or mean probabilities, with intervals, one below the other, on a whole axis from 0 to 1. */
export async function ratesChart(
  id: string,
  title: string,
  axis: string,
  bars: [label: string, estimate: Estimate | undefined][],
  rule?: { value: number; label: string },
  unit: 'share' | 'probability' = 'share',
): Promise<Chart | undefined> {
  const values = bars.flatMap(([label, e]) => (e ? [{ label, ...interval(e) }] : []));
  if (values.length === 0) return undefined;
  const x = {
    field: 'value',
    type: 'quantitative',
    scale: { domain: [0, 1] },
    axis: { format: unit === 'share' ? '.0%' : '.1f', tickCount: 5, title: axis },
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
