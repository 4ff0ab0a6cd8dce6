// The report of a run on a terminal.
import Table from 'cli-table3';
import { capital, formatSeconds } from '../format.js';
import { borderless, plain, type Terminal, textWidth, wrap } from '../terminal.js';
import { rowGroups, textsBefore, verdict } from './rows.js';
import type { Report, Sample, Words } from './types.js';

/** The whole closing text: verdict, table, where the rest is. */
export function renderFinal(report: Report, terminal: Terminal): string {
  return [
    wrap(plain(verdict(report)), terminal.width),
    '',
    finalTable(report, terminal),
    '',
    wrap(`Intervals: ${plain(report.interval)}. ${formatSeconds(report.seconds)} in all.`, terminal.width),
  ].join('\n');
}

/** What must be known before anything else that is printed; null where there is nothing of the kind. */
export function renderCaveats({ caveats = [] }: Report, { width }: Terminal): string | null {
  return caveats.length === 0 ? null : caveats.map(({ says }) => wrap(plain(says), width)).join('\n');
}

/** The table of measures: measure, value (before → after tuning, where it has both), interval. */
export function finalTable(report: Report, { width, color }: Terminal): string {
  const bold = (text: string) => (color ? `\u001b[1m${text}\u001b[22m` : text);
  const dim = (text: string) => (color ? `\u001b[2m${text}\u001b[22m` : text);
  const groups = rowGroups(report);
  const all = groups.flatMap((group) => group.rows);
  const widest = (head: string, cells: string[]) => Math.max(head.length, ...cells.map(textWidth)) + 2;
  const widths = [
    widest(
      'value',
      all.map((row) => row.value),
    ),
    widest(
      'interval',
      all.map((row) => row.interval),
    ),
  ];
  // The measures' names take what the numbers leave; narrow terminals wrap them, and the intervals next.
  const names = widest(
    'measure',
    all.map((row) => `  ${row.measure}`),
  );
  const first = Math.min(names, Math.max(16, width - widths.reduce((a, b) => a + b, 0)));
  widths[1] = Math.max(12, Math.min(widths[1]!, width - first - widths[0]!));
  // What was not measured is said across all columns.
  const said = Math.max(0, ...groups.map(({ absent = '' }) => textWidth(absent) + 4));
  widths[1] = Math.max(widths[1]!, Math.min(width, said) - first - widths[0]!);

  const table = new Table({
    head: ['measure', 'value', 'interval'].map(bold),
    colWidths: [first, ...widths],
    colAligns: ['left', 'right', 'left'],
    ...borderless,
  });
  for (const group of groups) {
    table.push([{ colSpan: 3, content: bold(wrap(plain(group.title), width - 2)) }]);
    // Wrapped here: the table's own wrapping cuts words short once a cell begins with spaces.
    for (const row of group.rows)
      table.push([
        wrap(plain(row.measure), first - 4).replace(/^/gm, '  '),
        row.value,
        wrap(row.interval, widths[1]! - 2),
      ]);
    if (group.absent)
      table.push([{ colSpan: 3, content: dim(wrap(plain(group.absent), width - 4).replace(/^/gm, '  ')) }]);
  }
  return table
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n');
}

/** A sample and what became of it, wrapped to the terminal's width. */
export function renderSample(sample: Sample, words: Words, { width, color }: Terminal): string {
  const score = (value: number | undefined) => (value === undefined ? '' : ` (score ${value.toFixed(2)})`);
  const [about, ...compared] = textsBefore(sample).map(([label, text, of]): [string, string] => [
    `${label}${score(of)}`,
    text,
  ]);
  const parts: [label: string, text: string | undefined][] = [
    [capital(words.context), sample.context],
    about!,
    ['Feedback', sample.feedback],
    [`Refinement${score(sample.scores?.refinement)}`, sample.refinement],
    ...compared,
    [`Tuned model${score(sample.scores?.tuned)}`, sample.tuned],
    ['Gold', sample.gold],
  ];
  return parts
    .filter(([, text]) => text !== undefined)
    .map(([label, text]) => {
      const head = color ? `\u001b[1m${plain(label)}\u001b[22m` : plain(label);
      return `${head}\n${wrap(plain(text!), width - 2).replace(/^/gm, '  ')}`;
    })
    .join('\n');
}
