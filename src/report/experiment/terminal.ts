// The outcome of `experiment` on a terminal: what held, claim by claim.
import Table from 'cli-table3';
import type { ExperimentReport } from '../charts/figures.js';
import { formatSeconds } from '../format.js';
import { borderless, plain, type Terminal, wrap } from '../terminal.js';
import { differenceInterval, differenceText, lead, verdictSigns } from './claims.js';

/** The verdicts in a sentence, the table of claims under their sections' titles, and how the intervals were made. */
export function renderExperimentTerminal(report: ExperimentReport, { width, color }: Terminal): string {
  const bold = (text: string) => (color ? `\u001b[1m${text}\u001b[22m` : text);
  const verdictWidth = '– not measured'.length + 2;
  // "+18.1 points" above "12.3 to 24.0 points"
  const differenceWidth = width < 60 ? 0 : 24;
  const claimWidth = width - verdictWidth - differenceWidth;
  const columns = differenceWidth > 0 ? 3 : 2;
  const table = new Table({
    ...borderless,
    head: ['claim', ...(columns === 3 ? ['difference'] : []), 'verdict'].map(bold),
    colWidths: [claimWidth, ...(columns === 3 ? [differenceWidth] : []), verdictWidth],
  });
  for (const section of report.sections.filter(({ claims }) => claims.length > 0)) {
    table.push([{ colSpan: columns, content: bold(wrap(plain(section.title), width - 2)) }]);
    for (const claim of section.claims) {
      const difference = wrap(`${differenceText(claim)}\n${differenceInterval(claim)}`, differenceWidth - 2);
      table.push([
        wrap(plain(claim.claim), claimWidth - 4).replace(/^/gm, '  '),
        ...(columns === 3 ? [difference.trimEnd()] : []),
        `${verdictSigns[claim.verdict]} ${claim.verdict}`,
      ]);
    }
  }
  return [
    wrap(plain(lead(report)), width),
    '',
    ...table
      .toString()
      .split('\n')
      .map((line) => line.trimEnd()),
    '',
    wrap(`Intervals: ${plain(report.interval)}. ${formatSeconds(report.seconds)} in all.`, width),
  ].join('\n');
}
