import type { Estimate } from '../../../bayes/index.js';
import {
  blue,
  type Chart,
  chart,
  counts,
  interval,
  intervalsY,
  referenceY,
  width,
} from '../../charts/chart-kit.js';

/** A measure after each round, round 0 the base model; nothing for a single round, whose numbers stand in the table. */
export async function roundsChart(
  id: string,
  title: string,
  axis: string,
  points: [round: number, estimate: Estimate | undefined][],
  rule?: { value: number; label: string },
): Promise<Chart | undefined> {
  const values = points.flatMap(([round, e]) => (e ? [{ round, ...interval(e) }] : []));
  if (values.filter(({ round }) => round > 0).length < 2) return undefined;
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
