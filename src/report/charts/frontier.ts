import type { Unit } from '../format.js';
import { faint, ink, interval, type Layer, textWidthPx } from './chart-kit.js';
import { domain, ends, titled, told } from './figure-kit.js';
import type { FrontierFigure } from './figures.js';
import { type Box, placeLabels } from './place-labels.js';

/** Points with intervals both ways; labels beside them where all find room, else numbers and a key below the plot. */
export function frontier({ x: cost, y: gain, points: all }: FrontierFigure): Layer {
  const [plotWidth, plotHeight] = [640, 400];
  const points = all.filter(({ x, y }) => Number.isFinite(x.value) && Number.isFinite(y.value));
  const names = [...new Set(all.map(({ series }) => series))];
  const [xs, ys] = [points.map(({ x }) => interval(x)), points.map(({ y }) => interval(y))];
  const [xDomain, yDomain] = [domain(ends(xs), 0.06), domain(ends(ys), 0.06)];
  const px = (value: number) => (plotWidth * (value - xDomain[0])) / (xDomain[1] - xDomain[0]);
  const py = (value: number) => plotHeight - (plotHeight * (value - yDomain[0])) / (yDomain[1] - yDomain[0]);
  const bounds = { left: 2, top: -4, right: plotWidth + 30, bottom: plotHeight - 2 };
  const bars = points.flatMap((_, i): Box[] => {
    const [x, y] = [px(xs[i]!.value), py(ys[i]!.value)];
    const across = xs[i]!.lo !== null && { left: px(xs[i]!.lo!), right: px(xs[i]!.hi!), top: y, bottom: y };
    const along = ys[i]!.lo !== null && { left: x, right: x, top: py(ys[i]!.hi!), bottom: py(ys[i]!.lo!) };
    return [across, along].filter((bar) => bar !== false);
  });
  const place = (texts: readonly string[]) =>
    placeLabels(
      texts.map((text, i) => ({ x: px(xs[i]!.value), y: py(ys[i]!.value), width: textWidthPx(text, 12) })),
      bars,
      bounds,
    );
  const beside = points.map(({ label }) => label);
  const numbers = points.map((_, i) => String(i + 1));
  const direct = place(beside);
  const texts = direct ? beside : numbers;
  const placed =
    direct ??
    place(numbers) ??
    points.map((_, i) => ({
      x: px(xs[i]!.value) + 8,
      y: py(ys[i]!.value) - 8,
      align: 'left' as const,
      joint: undefined,
    }));
  const rows = points.map(({ series }, i) => ({
    name: series,
    text: texts[i]!,
    x: xs[i]!.value,
    y: ys[i]!.value,
    xLo: xs[i]!.lo,
    xHi: xs[i]!.hi,
    yLo: ys[i]!.lo,
    yHi: ys[i]!.hi,
    textX: placed[i]!.x,
    textY: placed[i]!.y,
    align: placed[i]!.align,
    toX: placed[i]!.joint?.x,
    toY: placed[i]!.joint?.y,
  }));
  const axis = (title: string, unit: Unit, room: number) => ({
    title: titled(title, unit, room),
    tickCount: 6,
    titleFontSize: 12,
    labelFontSize: 12,
    ...(unit === 'share' && { format: '~%' }),
  });
  const x = {
    field: 'x',
    type: 'quantitative',
    scale: { domain: xDomain, nice: false, zero: false },
    axis: axis(cost.title, cost.unit, plotWidth),
  };
  const y = {
    field: 'y',
    type: 'quantitative',
    scale: { domain: yDomain, nice: false, zero: false },
    axis: axis(gain.title, gain.unit, plotHeight),
  };
  const { color, shape } = told(names, plotWidth, 12);
  const at = (fields: [x: string, y: string]) => ({
    x: { field: fields[0], type: 'quantitative', scale: null },
    y: { field: fields[1], type: 'quantitative', scale: null },
  });
  const plot = {
    width: plotWidth,
    height: plotHeight,
    layer: [
      {
        data: { values: rows.filter((row) => row.yLo !== null) },
        mark: { type: 'rule', strokeWidth: 1.5, opacity: 0.55 },
        encoding: { x, y: { ...y, field: 'yLo' }, y2: { field: 'yHi' }, color },
      },
      {
        data: { values: rows.filter((row) => row.xLo !== null) },
        mark: { type: 'rule', strokeWidth: 1.5, opacity: 0.55 },
        encoding: { y, x: { ...x, field: 'xLo' }, x2: { field: 'xHi' }, color },
      },
      {
        data: {
          values: rows
            .filter((row) => row.toX !== undefined)
            .map((row) => ({ ...row, fromX: px(row.x), fromY: py(row.y) })),
        },
        mark: { type: 'rule', color: faint, strokeWidth: 0.75 },
        encoding: { ...at(['fromX', 'fromY']), x2: { field: 'toX' }, y2: { field: 'toY' } },
      },
      {
        data: { values: rows },
        mark: { type: 'point', filled: true, size: 90, opacity: 1 },
        encoding: { x, y, color, shape },
      },
      ...(['left', 'center', 'right'] as const).flatMap((align) => {
        const text = {
          data: { values: rows.filter((row) => row.align === align) },
          encoding: { ...at(['textX', 'textY']), text: { field: 'text' } },
        };
        const mark = { type: 'text', align, baseline: 'middle', fontSize: 12 };
        // Below the text, its outline in the paper's colour: a thin line behind does not cross the letters.
        const outline = {
          stroke: 'var(--card, #fff)',
          strokeWidth: 3,
          opacity: 0.8,
          color: 'var(--card, #fff)',
        };
        return [
          { ...text, mark: { ...mark, ...outline } },
          { ...text, mark: { ...mark, color: ink } },
        ];
      }),
    ],
  };
  return direct ? plot : { vconcat: [plot, key(beside, plotWidth)], spacing: 14 };
}

/** What the numbers in a plot mean, in as many columns as fit. */
function key(labels: readonly string[], plotWidth: number): Layer {
  const entries = labels.map((label, i) => `${i + 1}  ${label}`);
  const widest = Math.max(...entries.map((entry) => textWidthPx(entry, 12))) + 16;
  const columns = Math.max(1, Math.floor((plotWidth + 40) / widest));
  const lines = Math.ceil(entries.length / columns);
  const values = entries.map((text, i) => ({
    text,
    x: Math.floor(i / lines) * widest,
    y: 18 * (i % lines) + 9,
  }));
  return {
    width: plotWidth,
    height: 18 * lines,
    data: { values },
    mark: { type: 'text', align: 'left', baseline: 'middle', color: ink, fontSize: 12 },
    encoding: {
      x: { field: 'x', type: 'quantitative', scale: null, axis: null },
      y: { field: 'y', type: 'quantitative', scale: null, axis: null },
      text: { field: 'text' },
    },
  };
}
