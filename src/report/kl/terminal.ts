// A KL report on a terminal: a short table for each direction.
import Table from 'cli-table3';
import { formatSeconds } from '../format.js';
import { type KlView, klView } from '../page/kl-block.js';
import { borderless, plain, type Terminal, textWidth, wrap } from '../terminal.js';
import type { KlReport } from './types.js';
import { givenView } from './view.js';

/** A table for each direction, what was sampled, and where the rest is. */
export function renderKlTerminal(report: KlReport, terminal: Terminal): string {
  const views = report.given ? [givenView(report.given)] : report.results.map(klView);
  const said = (text: string) => wrap(plain(text), terminal.width);
  return [
    said(report.texts),
    ...views.map((view) => klTable(view, terminal)),
    ...(report.given ? [said(`Measured ${report.given.measured}.`)] : []),
    said(`${formatSeconds(report.seconds)} in all. Report: ${report.out} (kl.html, kl.json, kl.arrow)`),
  ].join('\n\n');
}

function klTable(view: KlView, { width, color }: Terminal): string {
  const bold = (text: string) => (color ? `\u001b[1m${text}\u001b[22m` : text);
  const head = ['nats per sequence', 'interval', 'per token', 'interval'];
  const cells = view.rows.map((row) => [row.sequence, row.sequenceInterval, row.token, row.tokenInterval]);
  const widths = head.map(
    (name, i) =>
      // The heading wraps between words.
      Math.max(...[...name.split(' '), ...cells.map((row) => row[i]!)].map(textWidth)) + 2,
  );
  const names = Math.max(...[view.title, ...view.rows.map((row) => row.estimator)].map(textWidth)) + 2;
  const first = Math.min(names, Math.max(16, width - widths.reduce((a, b) => a + b, 0)));
  const table = new Table({
    ...borderless,
    head: [view.title, ...head].map((text, i) => bold(wrap(text, (i === 0 ? first : widths[i - 1]!) - 2))),
    colWidths: [first, ...widths],
    colAligns: ['left', 'right', 'left', 'right', 'left'],
  });
  for (const [i, row] of view.rows.entries()) table.push([wrap(row.estimator, first - 2), ...cells[i]!]);
  const size = view.facts.filter(
    ([name]) => name === 'Sampling' || name === 'Sample size' || name === 'Intervals',
  );
  return [
    ...table
      .toString()
      .split('\n')
      .map((line) => line.trimEnd()),
    ...size.map(([name, value]) => wrap(`${name}: ${plain(value)}`, width)),
  ].join('\n');
}
