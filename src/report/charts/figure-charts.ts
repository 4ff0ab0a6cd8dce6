// Draws figures (figures.ts) as SVG. No series is told by its colour alone: marks and dashes differ too, and published
// numbers are hollow. An end of an interval, or a number, that is infinite or unknown is not drawn; its label stays.
import type { Estimate } from '../../bayes/index.js';
import { formatNumber, type Unit } from '../format.js';
import { wrap } from '../terminal.js';
import {
  blue,
  type Chart,
  chart,
  dashes,
  faint,
  ink,
  interval,
  type Layer,
  palette,
  referenceX,
  referenceY,
  shapes,
  textWidthPx,
  width,
} from './chart-kit.js';
import type {
  DotsFigure,
  Figure,
  FrontierFigure,
  LinesFigure,
  Published,
  ReliabilityFigure,
} from './figures.js';
import { type Box, placeLabels } from './place-labels.js';

/** The figure as an SVG of its own. @throws what vega throws; a figure without a finite number is an empty plot */
export function figureChart(figure: Figure): Promise<Chart> {
  return chart(figure.id, figure.title, figure.caption, specification(figure));
}

function specification(figure: Figure): Layer {
  switch (figure.kind) {
    case 'dots':
      return dots(figure);
    case 'lines':
      return lines(figure);
    case 'frontier':
      return frontier(figure);
    case 'reliability':
      return reliability(figure);
    default:
      return figure satisfies never;
  }
}

/** A row a label: ours filled, published hollow and below it, the numbers on the right. */
function dots({ axis, unit, rule, points }: DotsFigure): Layer {
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

/** A line a series; with many points the intervals are bands, with few they are bars, moved apart to be seen. */
function lines({ x: over, y: measure, rule, series }: LinesFigure): Layer {
  const names = unique(series.map(({ name }) => name));
  const plotWidth = width + 60;
  const finite = series.map(({ points }) => points.filter(({ x }) => Number.isFinite(x)));
  const xs = [...new Set(finite.flatMap((points) => points.map(({ x }) => x)))].sort((a, b) => a - b);
  const scale = xScale(xs, over.log === true);
  const most = Math.max(0, ...finite.map((points) => points.length));
  const bands = most > 12;
  const rows = finite.flatMap((points, i) =>
    points
      .filter(({ estimate }) => Number.isFinite(estimate.value))
      .map(({ x, estimate }) => ({
        name: names[i]!,
        x: bands ? x : scale.moved(x, (5 * (i - (series.length - 1) / 2)) / plotWidth),
        ...interval(estimate),
      })),
  );
  const x = {
    field: 'x',
    type: 'quantitative',
    scale: scale.spec,
    axis: {
      title: lined(over.title, plotWidth / 6).split('\n'),
      labelExpr: `format(datum.value, ',.6~r')`, // a scale's own format turns 100 into 1e+2
      ...(xs.length > 0 && xs.length <= 8 && { values: xs }),
      tickCount: 6,
      labelOverlap: 'greedy',
    },
  };
  const y = {
    field: 'value',
    type: 'quantitative',
    scale: { domain: domain([...ends(rows), ...(rule ? [rule.value] : [])]), nice: true, zero: false },
    axis: {
      title: titled(measure.title, measure.unit, 220),
      tickCount: 5,
      ...(measure.unit === 'share' && { format: '~%' }),
    },
  };
  const { color, shape } = told(names, plotWidth);
  const spread = rows.filter((row) => row.lo !== null);
  return {
    width: plotWidth,
    height: 220,
    layer: [
      ...(rule ? referenceY(rule, 'beside') : []),
      bands
        ? {
            data: { values: spread },
            mark: { type: 'area', opacity: 0.18 },
            encoding: { x, y: { ...y, field: 'lo' }, y2: { field: 'hi' }, color },
          }
        : {
            data: { values: spread },
            mark: { type: 'rule', strokeWidth: 1.5 },
            encoding: { x, y: { ...y, field: 'lo' }, y2: { field: 'hi' }, color },
          },
      ...dashed(names, rows, x, y),
      {
        data: { values: bands ? rows.filter((row) => sparse(row, rows, most)) : rows },
        mark: { type: 'point', filled: true, size: 50, opacity: 1 },
        encoding: { x, y, color, shape },
      },
    ],
  };
}

/** With many points a mark on about every eighth of them is enough to tell the line. */
function sparse<Row extends { name: string }>(row: Row, rows: readonly Row[], most: number): boolean {
  const own = rows.filter(({ name }) => name === row.name);
  return own.indexOf(row) % Math.ceil(most / 8) === 0;
}

/** Points with intervals both ways; labels beside them where all find room, else numbers and a key below the plot. */
function frontier({ x: cost, y: gain, points: all }: FrontierFigure): Layer {
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

/** Predicted against observed; on the dashed line a prediction says how often it comes true. A mark's area: its count. */
function reliability({ series }: ReliabilityFigure): Layer {
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

/** Colour and mark of each series, and a legend; a series alone needs none. */
function told(names: readonly string[], room: number, fontSize = 11) {
  const columns = Math.floor(room / (Math.max(...names.map((name) => textWidthPx(name, fontSize)), 1) + 34));
  const legend =
    names.length < 2
      ? null
      : {
          title: null,
          orient: 'top',
          columns: Math.max(1, Math.min(columns, names.length)),
          symbolSize: 70,
          symbolOpacity: 1,
          labelLimit: 0,
          labelFontSize: fontSize,
        };
  const channel = (range: readonly unknown[]) => ({
    field: 'name',
    type: 'nominal',
    scale: { domain: names, range: names.map((_, i) => range[turn(i) % range.length]) },
    legend,
  });
  return {
    color: {
      ...channel(palette),
      scale: { domain: names, range: names.map((_, i) => palette[i % palette.length]) },
    },
    shape: channel(shapes),
  };
}

/** A second turn through the palette meets marks and dashes one further on. */
function turn(i: number): number {
  return i + Math.floor(i / palette.length);
}

/** A line a series, dashed in its own way. Not by an encoding: in the legend, dashes tear the outlines of its marks. */
function dashed(names: readonly string[], rows: readonly { name: string }[], x: Layer, y: Layer): Layer[] {
  return names.map((name, i) => ({
    data: { values: rows.filter((row) => row.name === name) },
    mark: {
      type: 'line',
      strokeWidth: 1.5,
      color: palette[i % palette.length],
      strokeDash: dashes[turn(i) % dashes.length],
    },
    encoding: { x, y },
  }));
}

/** A scale over x, and how far along it a mark moves for a share of the plot's width. A log axis with a 0 on it is symlog. */
function xScale(xs: readonly number[], log: boolean) {
  const least = Math.min(...xs.filter((x) => x > 0));
  const zero = xs.some((x) => x <= 0) || !Number.isFinite(least);
  const to = !log ? (x: number) => x : zero ? (x: number) => symlog(x, least) : Math.log;
  const from = !log ? (t: number) => t : zero ? (t: number) => symexp(t, least) : Math.exp;
  const [lo, hi] = domain(xs.map(to), 0.06);
  const spec = {
    type: !log ? 'linear' : zero ? 'symlog' : 'log',
    ...(log && zero && { constant: Number.isFinite(least) ? least : 1 }),
    domain: [from(lo), from(hi)],
    nice: false,
    ...(!log && { zero: false }),
  };
  return { spec, moved: (x: number, share: number) => from(to(x) + share * (hi - lo)) };
}

function symlog(x: number, constant: number): number {
  return Math.sign(x) * Math.log1p(Math.abs(x / (Number.isFinite(constant) ? constant : 1)));
}

function symexp(t: number, constant: number): number {
  return Math.sign(t) * Math.expm1(Math.abs(t)) * (Number.isFinite(constant) ? constant : 1);
}

/** All finite numbers of rows, with their intervals. */
function ends(rows: readonly { value: number; lo: number | null; hi: number | null }[]): number[] {
  return rows
    .flatMap(({ value, lo, hi }) => [value, lo, hi])
    .filter((v) => v !== null && Number.isFinite(v)) as number[];
}

/** From the least to the largest with some room; of a single number, room around it. */
function domain(values: readonly number[], room = 0.04): [number, number] {
  if (values.length === 0) return [0, 1];
  const [least, most] = [Math.min(...values), Math.max(...values)];
  const span = most - least || Math.abs(most) * 0.2 || 1;
  return [least - room * span, most + room * span];
}

function estimateOf({
  value,
  lo = Number.NEGATIVE_INFINITY,
  hi = Number.POSITIVE_INFINITY,
}: Published): Estimate {
  return { value, lo, hi, n: 0 };
}

/** An axis title in lines that fit, with its unit where it does not say it. */
function titled(title: string, unit: Unit, room: number): string[] {
  const whole = unit === 'nats' && !/\bnats?\b/.test(title) ? `${title} (nats)` : title;
  return lined(whole, room / 6).split('\n');
}

function lined(text: string, columns: number): string {
  return wrap(text, Math.floor(columns));
}

/** Labels that are equal are still rows of their own: a space of no width tells them apart. */
function unique(labels: readonly string[]): string[] {
  return labels.map(
    (label, i) => label + '\u200b'.repeat(labels.slice(0, i).filter((l) => l === label).length),
  );
}
