import { interval, type Layer, referenceY, width } from './chart-kit.js';
import { dashed, domain, ends, lined, titled, told, unique } from './figure-kit.js';
import type { LinesFigure } from './figures.js';

/** A line a series; with many points the intervals are bands, with few they are bars, moved apart to be seen. */
export function lines({ x: over, y: measure, rule, series }: LinesFigure): Layer {
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
