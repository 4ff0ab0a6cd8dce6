// What the kinds of figures share: legends, dashed lines, domains, and titles that fit.
import type { Unit } from '../format.js';
import { wrap } from '../terminal.js';
import { dashes, type Layer, palette, shapes, textWidthPx } from './chart-kit.js';

/** Colour and mark of each series, and a legend; a series alone needs none. */
export function told(names: readonly string[], room: number, fontSize = 11) {
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
export function dashed(
  names: readonly string[],
  rows: readonly { name: string }[],
  x: Layer,
  y: Layer,
): Layer[] {
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

/** All finite numbers of rows, with their intervals. */
export function ends(rows: readonly { value: number; lo: number | null; hi: number | null }[]): number[] {
  return rows
    .flatMap(({ value, lo, hi }) => [value, lo, hi])
    .filter((v) => v !== null && Number.isFinite(v)) as number[];
}

/** From the least to the largest with some room; of a single number, room around it. */
export function domain(values: readonly number[], room = 0.04): [number, number] {
  if (values.length === 0) return [0, 1];
  const [least, most] = [Math.min(...values), Math.max(...values)];
  const span = most - least || Math.abs(most) * 0.2 || 1;
  return [least - room * span, most + room * span];
}

/** An axis title in lines that fit, with its unit where it does not say it. */
export function titled(title: string, unit: Unit, room: number): string[] {
  const whole = unit === 'nats' && !/\bnats?\b/.test(title) ? `${title} (nats)` : title;
  return lined(whole, room / 6).split('\n');
}

export function lined(text: string, columns: number): string {
  return wrap(text, Math.floor(columns));
}

/** Labels that are equal are still rows of their own: a space of no width tells them apart. */
export function unique(labels: readonly string[]): string[] {
  return labels.map(
    (label, i) => label + '\u200b'.repeat(labels.slice(0, i).filter((l) => l === label).length),
  );
}
