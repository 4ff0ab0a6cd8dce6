import type { Estimate } from '../../bayes/index.js';
import { formatNumber } from '../format.js';
import { blue, ink, interval, type Layer, referenceX } from './chart-kit.js';
import { domain, ends, lined, titled, unique } from './figure-kit.js';
import type { DotsFigure, Published } from './figures.js';

/** A row a label: ours filled, published hollow and below it, the numbers on the right. */
export function dots({ axis, unit, rule, points }: DotsFigure): Layer {
  const published = points.some((point) => point.theirs);
  const labels = unique(points.map(({ label }) => lined(label, 26)));
  const rows = points.flatMap(({ estimate, theirs }, i) => [
    { label: labels[i]!, whose: 'here', text: formatNumber(estimate.value, unit), ...interval(estimate) },
    ...(theirs
      ? [
          {
            label: labels[i]!,
            whose: 'published',
            text: formatNumber(theirs.value, unit),
            ...interval(estimateOf(theirs)),
          },
        ]
      : []),
  ]);
  const finite = rows.filter(({ value }) => Number.isFinite(value));
  const plotWidth = 200;
  const x = {
    field: 'value',
    type: 'quantitative',
    scale: { domain: domain([...ends(rows), ...(rule ? [rule.value] : [])]), nice: true, zero: false },
    axis: { title: titled(axis, unit, plotWidth), tickCount: 4, ...(unit === 'share' && { format: '~%' }) },
  };
  const y = {
    field: 'label',
    type: 'nominal',
    scale: { domain: labels },
    axis: { title: null, labels: false, ticks: false, domain: false, grid: true, gridDash: [1, 3] },
  };
  const whose = published ? ['here', 'published'] : ['here'];
  const yOffset = {
    field: 'whose',
    type: 'nominal',
    scale: { domain: whose, paddingOuter: published ? 0.4 : 0 },
  };
  const legend = published ? { title: null, orient: 'top', symbolSize: 70, offset: rule ? 24 : 10 } : null;
  const fill = { field: 'whose', scale: { domain: whose, range: [blue, 'transparent'] }, legend };
  const shape = { field: 'whose', scale: { domain: whose, range: ['circle', 'diamond'] }, legend };
  const tall = (label: string) => label.split('\n').length;
  const lines = Math.max(2, ...labels.map(tall));
  return {
    width: plotWidth,
    height: { step: Math.max(published ? 40 : 30, 14 * lines + 8), for: 'position' },
    layer: [
      ...(rule ? referenceX(rule) : []),
      // Not as the axis's labels, which hang down from the middle of their rows where they have several lines.
      ...[...new Set(labels.map(tall))].map((count) => ({
        data: { values: labels.filter((label) => tall(label) === count).map((label) => ({ label })) },
        mark: {
          type: 'text',
          x: 0,
          dx: -8,
          dy: -6.5 * (count - 1),
          align: 'right',
          baseline: 'middle',
          lineBreak: '\n',
          color: ink,
          fontSize: 11,
        },
        encoding: { y, text: { field: 'label' } },
      })),
      ...whose.map((who) => ({
        data: { values: finite.filter((row) => row.whose === who && row.lo !== null) },
        mark: { type: 'rule', color: blue, strokeWidth: who === 'here' ? 2 : 1 },
        encoding: { y, yOffset, x: { ...x, field: 'lo' }, x2: { field: 'hi' } },
      })),
      {
        data: { values: finite },
        mark: { type: 'point', size: 70, opacity: 1, stroke: blue, strokeWidth: 1.5 },
        encoding: { y, yOffset, x, fill, shape },
      },
      {
        data: { values: rows },
        mark: { type: 'text', x: 'width', dx: 10, align: 'left', color: ink, fontSize: 11 },
        encoding: {
          y,
          yOffset,
          text: { field: 'text' },
          opacity: { condition: { test: `datum.whose === 'here'`, value: 1 }, value: 0.65 },
        },
      },
    ],
  };
}

function estimateOf({
  value,
  lo = Number.NEGATIVE_INFINITY,
  hi = Number.POSITIVE_INFINITY,
}: Published): Estimate {
  return { value, lo, hi, n: 0 };
}
