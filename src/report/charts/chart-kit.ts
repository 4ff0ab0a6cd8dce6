// What all charts share: theme, colours, dots with intervals, reference lines, and drawing to SVG without a browser.
// Colours are Okabe and Ito's, which colour-blind readers can tell apart. They are CSS variables with a fallback: the
// page's light and dark themes set them, and an SVG on its own still looks right.
import * as vega from 'vega';
import { compile, type TopLevelSpec } from 'vega-lite';
import type { Estimate } from '../../bayes/index.js';
import { formatNumber } from '../format.js';
import { textWidth } from '../terminal.js';

export interface Chart {
  id: string;
  title: string;
  /** What is drawn, and of how many. */
  caption: string;
  svg: string;
}

/** A piece of a vega-lite specification. */
export type Layer = Record<string, unknown>;

export const ink = 'currentColor';
export const faint = 'var(--chart-faint, #8a8f98)';
/** Of words: as readable as the page's own small print. */
const soft = 'var(--soft, #5b626d)';
/** Behind words that may come to lie on a line. */
const paper = 'var(--card, #fff)';
const grid = 'var(--chart-grid, #d9dce1)';
export const blue = 'var(--chart-1, #0072b2)';
export const orange = 'var(--chart-2, #d55e00)';
export const green = 'var(--chart-3, #009e73)';
export const purple = 'var(--chart-4, #a85a8c)';
/** The whole palette, for series; the light ones of it a little darker than theirs, to be seen on white. */
export const palette = [
  blue,
  orange,
  green,
  purple,
  'var(--chart-5, #2f93cf)',
  'var(--chart-6, #b97f00)',
  ink,
  'var(--chart-7, #857a00)',
];
/** Marks and dashes that go with the colours, so that no series is told by its colour alone. */
export const shapes = [
  'circle',
  'square',
  'triangle-up',
  'diamond',
  'cross',
  'triangle-down',
  'triangle-right',
  'triangle-left',
];
export const dashes = [
  [1, 0],
  [7, 3],
  [2, 2],
  [9, 3, 2, 3],
  [4, 2],
  [12, 3],
  [2, 4],
  [6, 2, 2, 2, 2, 2],
];

/** Of a plot, in px; axes and labels come on top, so that a phone shows a chart at nearly full size. */
export const width = 280;

/** An estimate as chart data; an end that is infinite or unknown is null, and its bar is not drawn. */
export function interval({ value, lo, hi, n }: Estimate) {
  const finite = Number.isFinite(lo) && Number.isFinite(hi);
  return { value, lo: finite ? lo : null, hi: finite ? hi : null, n };
}

/** "n = 200 contexts", or the range where the rows differ. */
export function counts(values: readonly { n: number }[]): string {
  const [least, most] = [Math.min(...values.map((v) => v.n)), Math.max(...values.map((v) => v.n))];
  return least === most ? `n = ${most} contexts` : `n = ${least} to ${most} contexts`;
}

/** Dots with horizontal intervals and their numbers, a row each. */
export function intervalsX(
  values: readonly { label: string; value: number; lo: number | null; hi: number | null }[],
  x: Layer & { axis: Layer },
  order: readonly string[],
): Layer[] {
  const y = {
    field: 'label',
    type: 'nominal',
    sort: order,
    axis: { title: null, ticks: false, domain: false, labelPadding: 26 },
  };
  const percent = x.axis.format === '.0%';
  const data = {
    values: values.map((v) => ({ ...v, text: formatNumber(v.value, percent ? 'share' : 'score') })),
  };
  return [
    {
      data: { values: values.filter((v) => v.lo !== null) },
      mark: { type: 'rule', color: blue, strokeWidth: 2 },
      encoding: { y, x: { ...x, field: 'lo' }, x2: { field: 'hi' } },
    },
    { data, mark: { type: 'point', filled: true, size: 80, opacity: 1, color: blue }, encoding: { y, x } },
    // The halo first: a number may lie on a reference line.
    ...[{ color: paper, stroke: paper, strokeWidth: 4 }, { color: ink }].map((colors) => ({
      data,
      mark: { type: 'text', dy: -11, fontSize: 11, ...colors },
      encoding: { y, x, text: { field: 'text' } },
    })),
  ];
}

/** Dots with vertical intervals. */
export function intervalsY(
  values: readonly Layer[],
  x: Layer,
  y: Layer,
  color: Layer,
  more: { xOffset?: Layer; shape?: Layer } = {},
): Layer[] {
  const { shape, ...offset } = more;
  return [
    {
      data: { values: values.filter((v) => v.lo !== null) },
      mark: { type: 'rule', strokeWidth: 2, clip: true },
      encoding: { x, ...offset, y: { ...y, field: 'lo' }, y2: { field: 'hi' }, color },
    },
    {
      data: { values },
      mark: { type: 'point', filled: true, size: 70, opacity: 1, clip: true },
      encoding: { x, ...offset, y, color, ...(shape && { shape }) },
    },
  ];
}

export function referenceX({ value, label }: { value: number; label: string }): Layer[] {
  const data = { values: [{ value, label }] };
  const x = { field: 'value', type: 'quantitative' };
  return [
    { data, mark: { type: 'rule', color: faint, strokeDash: [4, 3] }, encoding: { x } },
    {
      data,
      mark: {
        type: 'text',
        color: soft,
        align: 'left',
        dx: 4,
        baseline: 'bottom',
        y: 0,
        dy: -2,
        fontSize: 11,
      },
      encoding: { x, text: { field: 'label' } },
    },
  ];
}

/** A dashed line at `value`; its label above its right end, or beside it where lines run to the plot's edge. */
export function referenceY(
  { value, label }: { value: number; label: string },
  where: 'above' | 'beside' = 'above',
): Layer[] {
  const data = { values: [{ value, label }] };
  const y = { field: 'value', type: 'quantitative' };
  return [
    { data, mark: { type: 'rule', color: faint, strokeDash: [4, 3] }, encoding: { y } },
    {
      data,
      mark: {
        type: 'text',
        color: soft,
        x: 'width',
        fontSize: 11,
        ...(where === 'above'
          ? { align: 'right', baseline: 'bottom', dx: -4, dy: -3 }
          : { align: 'left', dx: 4 }),
      },
      encoding: { y, text: { field: 'label' } },
    },
  ];
}

/** About the width of a line of text in px: without a canvas nothing can measure it, and fonts differ. */
export function textWidthPx(text: string, fontSize = 11): number {
  return fontSize * 0.58 * textWidth(text);
}

// vega's own estimate of 0.8 em a letter leaves wide empty margins, and pushes legends apart. Its types leave this out.
const { textMetrics } = vega as unknown as {
  textMetrics: { width: (item: { fontSize?: number }, text: unknown) => number };
};
textMetrics.width = (item, text) => Math.ceil(textWidthPx(String(text ?? '').trim(), item.fontSize));

/** Compiles and draws. The data are inline; nothing is loaded. */
export async function chart(id: string, title: string, caption: string, spec: Layer): Promise<Chart> {
  const full = {
    background: null,
    padding: 4,
    config: {
      aria: false, // the page gives the figure one label; a label for every dot would bury the reader
      font: 'system-ui, -apple-system, "Segoe UI", sans-serif',
      view: { stroke: null },
      title: { color: ink },
      axis: {
        labelColor: ink,
        titleColor: ink,
        tickColor: grid,
        domainColor: grid,
        gridColor: grid,
        labelFontSize: 11,
        titleFontSize: 11,
        titleFontWeight: 'normal',
        titlePadding: 8,
        labelLimit: 220,
        labelFlush: false,
      },
      axisX: { grid: false },
      legend: { labelColor: ink, labelFontSize: 11, labelLimit: 200 },
      rule: { strokeCap: 'round' },
    },
    ...spec,
  } as unknown as TopLevelSpec; // layers are put together as plain objects; compile() checks them
  const view = new vega.View(vega.parse(compile(full).spec), { renderer: 'none', logLevel: vega.Error });
  const svg = await view.toSVG();
  view.finalize();
  return { id, title, caption, svg };
}
