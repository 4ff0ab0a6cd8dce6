import { faint, ink, interval, type Layer, width } from './chart-kit.js';
import { dashed, ends, told, unique } from './figure-kit.js';
import type { ReliabilityFigure } from './figures.js';

/** Predicted against observed; on the dashed line a prediction says how often it comes true. A mark's area: its count. */
export function reliability({ series }: ReliabilityFigure): Layer {
  const names = unique(series.map(({ name }) => name));
  const rows = series.flatMap(({ bins }, i) =>
    bins
      .filter(({ predicted, observed }) => Number.isFinite(predicted) && Number.isFinite(observed.value))
      .map(({ predicted, observed, count }) => ({
        name: names[i]!,
        predicted,
        count,
        ...interval(observed),
      })),
  );
  const reached = [...ends(rows), ...rows.map(({ predicted }) => predicted)];
  const [lo, hi] = [Math.min(0, ...reached), Math.max(1, ...reached)];
  const scale = { domain: [lo, hi], nice: false };
  const x = {
    field: 'predicted',
    type: 'quantitative',
    scale,
    axis: { title: 'predicted probability', tickCount: 5, format: '~%' },
  };
  const y = {
    field: 'value',
    type: 'quantitative',
    scale,
    axis: { title: 'how often it came true', tickCount: 5, format: '~%' },
  };
  const { color, shape } = told(names, width);
  const most = Math.max(1, ...rows.map(({ count }) => count));
  const size = {
    field: 'count',
    type: 'quantitative',
    scale: { domain: [0, most], range: [20, 220] },
    legend: {
      title: 'predictions',
      titleColor: ink,
      titleFontWeight: 'normal',
      symbolFillColor: ink,
      symbolStrokeColor: ink,
      orient: 'right',
      values: [...new Set([Math.min(most, ...rows.map(({ count }) => count)), most])],
    },
  };
  return {
    width: 250,
    height: 250,
    layer: [
      {
        data: {
          values: [
            { predicted: lo, value: lo },
            { predicted: hi, value: hi },
          ],
        },
        mark: { type: 'line', color: faint, strokeDash: [4, 3], strokeWidth: 1 },
        encoding: { x, y },
      },
      ...dashed(names, rows, x, y),
      {
        data: { values: rows.filter((row) => row.lo !== null) },
        mark: { type: 'rule', strokeWidth: 1.5 },
        encoding: { x, y: { ...y, field: 'lo' }, y2: { field: 'hi' }, color },
      },
      {
        data: { values: rows },
        mark: { type: 'point', filled: true, opacity: 1 },
        encoding: { x, y, color, shape, size },
      },
    ],
  };
}
