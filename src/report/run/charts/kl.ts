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

/** One direction of the KL by each estimator, side by side; after each round, where there are several. */
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
  const tamest = Math.max(...tame.map((v) => v.hi ?? v.value));
  const all = Math.max(...values.map((v) => v.hi ?? v.value));
  const top = all <= 1.5 * tamest ? 1.05 * all : 1.15 * tamest;
  const bottom = Math.min(0, ...tame.map((v) => v.lo ?? v.value));
  const beyond = values.filter((v) => (v.hi ?? v.value) > top || (v.lo ?? v.value) < bottom);
  const y = {
    field: 'value',
    type: 'quantitative',
    scale: { domain: [bottom, top], nice: false },
    axis: { title: 'nats per sequence', tickCount: 5 },
  };
  const used = estimators.filter(([, label]) => values.some((v) => v.estimator === label));
  const labels = used.map(([, label]) => label);
  const single = new Set(values.map(({ round }) => round)).size === 1;
  const xOffset = { field: 'estimator', scale: { domain: labels, paddingOuter: 0.6 } };
  const byRound = { field: 'round', type: 'ordinal', axis: { title: 'round', labelAngle: 0 } };
  const byEstimator = {
    field: 'estimator',
    type: 'nominal',
    sort: labels,
    axis: {
      title: 'estimator',
      labelAngle: 0,
      // In two lines: "k3 by" above "sequence".
      labelExpr: "split(replace(datum.label, ' by ', ' by|'), '|')",
    },
  };
  // Named on the axis, they need no legend.
  const legend = single
    ? null
    : { title: null, orient: 'top', columns: 2, symbolSize: 60, columnPadding: 16 };
  const color = { field: 'estimator', scale: { domain: labels, range: used.map(([, , c]) => c) }, legend };
  const shape = { field: 'estimator', scale: { domain: labels, range: used.map(([, , , s]) => s) }, legend };
  const clipped =
    beyond.length > 0
      ? ` Cut off at the axis: ${beyond.map((v) => `${v.estimator}${single ? '' : `, round ${v.round}`}, up to ${v.hi === null ? 'infinity' : formatNumber(v.hi, 'nats')}`).join('; ')}.`
      : '';
  return chart(
    id,
    single ? title : `${title} by round`,
    `Bars: intervals; ${counts(values)}. All estimate the same number; none is clamped.${clipped}`,
    {
      width,
      height: 190,
      layer: intervalsY(values, single ? byEstimator : byRound, y, color, {
        ...(!single && { xOffset }),
        shape,
      }),
    },
  );
}
