import type { KlEstimates } from '../../../bayes/index.js';
import {
  blue,
  type Chart,
  chart,
  counts,
  green,
  interval,
  intervalsY,
  orange,
  purple,
  width,
} from '../../charts/chart-kit.js';
import { formatNumber } from '../../format.js';
import type { RoundMeasures } from '../types.js';

const estimators: [key: keyof KlEstimates, label: string, color: string, shape: string][] = [
  ['raoBlackwell', 'exact', blue, 'circle'],
  ['k1', 'k1', orange, 'square'],
  ['k3TokenSum', 'k3 by token', green, 'triangle-up'],
  ['k3', 'k3 by sequence', purple, 'diamond'],
];

/** One direction of the KL after each round by each estimator, side by side. */
export async function klChart(
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
