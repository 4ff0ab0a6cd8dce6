/** What a bench hands back to be printed: tables for people, notes below them, numbers for programs. */
import { OURS } from './child.js';
import type { Report } from './report.js';
import { type Comparison, compare, peakRssMiB, type Rounds } from './rounds.js';
import { type BenchTable, percent, rate, times } from './table.js';

export interface Outcome {
  bench: string;
  tables: BenchTable[];
  notes: string[];
  results: unknown[];
}

/** What a round of reports becomes in the JSON document. */
export interface Result {
  contenders: {
    name: string;
    subject: string;
    peakRssMiB: number;
    parameters?: number;
    kernelShare?: Record<string, number>;
  }[];
  comparisons: Comparison[];
}

export function resultOf(reports: Rounds['reports'], works: readonly string[]): Result {
  return {
    contenders: [...reports].map(([name, all]) => ({
      name,
      subject: all[0]!.subject,
      peakRssMiB: peakRssMiB(all),
      ...(all[0]!.parameters !== undefined && { parameters: all[0]!.parameters }),
      ...(all[0]!.kernelShare && { kernelShare: all[0]!.kernelShare }),
    })),
    comparisons: works.flatMap((what) => compare(reports, what)),
  };
}

/** A row for each contender, for each kind of work its tokens per second and ours ÷ its. */
export function contenderTable(
  title: string,
  reports: Rounds['reports'],
  works: Record<string, string>,
): BenchTable {
  const names = Object.keys(works);
  const columns = new Map(names.map((what) => [what, compare(reports, what)]));
  const alone = reports.size === 1;
  const shares = ({ kernelShare }: Report) =>
    kernelShare ? names.map((what) => percent(kernelShare[what]!)).join(', ') : 'not known';
  return {
    title,
    head: [
      '',
      ...Object.values(works).flatMap((label) => (alone ? [label] : [label, 'ours ÷ this'])),
      'in kernels',
      'peak RSS, MiB',
    ],
    rows: [...reports].map(([name, all], i) => [
      name === OURS ? `ours: ${all[0]!.subject}` : name,
      ...names.flatMap((what) => {
        const { rate: tokens, ratio } = columns.get(what)![i]!;
        return alone ? [rate(tokens)] : [rate(tokens), ratio ? times(ratio) : ''];
      }),
      name === OURS ? shares(all[0]!) : '',
      String(Math.round(peakRssMiB(all))),
    ]),
  };
}
