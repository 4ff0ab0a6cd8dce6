/** Tables for a terminal, or in Markdown to be pasted; and numbers as people read them. */
import Table from 'cli-table3';
import type { Spread } from './stats.js';

/** The first column is words, the others are numbers. */
export interface BenchTable {
  title: string;
  head: string[];
  rows: string[][];
}

/** Three digits, or all before the point. */
export const number = (x: number): string =>
  x >= 100 ? Math.round(x).toLocaleString('en') : String(Number(x.toPrecision(3)));

/** Median (min to max), or just the number where there was one round. */
const withRange = ({ median, min, max }: Spread, form: (x: number) => string, unit = ''): string =>
  min === max ? `${form(median)}${unit}` : `${form(median)}${unit} (${form(min)} to ${form(max)})`;

export const rate = (spread: Spread): string => withRange(spread, number);

export const times = (spread: Spread): string => withRange(spread, (x) => x.toFixed(2), '×');

export const percent = (share: number): string => `${(100 * share).toFixed(0)} %`;

export function renderTable({ title, head, rows }: BenchTable, markdown: boolean): string {
  if (markdown) {
    const line = (cells: readonly string[]) =>
      `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
    const rule = `|---|${'---:|'.repeat(head.length - 1)}`;
    return [`${title}`, '', line(head), rule, ...rows.map(line)].join('\n');
  }
  const table = new Table({
    head,
    colAligns: head.map((_, i) => (i === 0 ? 'left' : 'right')),
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 2 },
    chars: {
      ...{ top: '', 'top-mid': '', 'top-left': '', 'top-right': '' },
      ...{ bottom: '', 'bottom-mid': '', 'bottom-left': '', 'bottom-right': '' },
      ...{ left: '', 'left-mid': '', mid: '', 'mid-mid': '', right: '', 'right-mid': '', middle: '' },
    },
  });
  table.push(...rows);
  const lines = table
    .toString()
    .split('\n')
    .map((text) => text.trimEnd());
  return [title, ...lines].join('\n');
}
