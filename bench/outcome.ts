/** What a part of a bench hands back: tables for people, notes below them, numbers for programs. */
import { OURS } from './child.js';
import type { Report } from './report.js';
import { type Comparison, compare, peakGpuMiB, peakRssMiB, type Rounds } from './rounds.js';
import { type BenchTable, percent, rate, times } from './table.js';

export interface Outcome {
  /** The part's name. */
  part: string;
  bench: string;
  /** cut: ended because the time was up. failed: it did not run, or what was checked does not hold. */
  state: 'done' | 'cut' | 'skipped' | 'failed';
  /** That it took. */
  seconds: number;
  tables: BenchTable[];
  notes: string[];
  results: unknown[];
}

/** A share of what the machine can do, of each contender. */
export interface Share {
  head: string;
  /** Of its rates by kind of work; null where it is not known. */
  of: (rates: Record<string, number>) => number | null;
}

/** What a round of reports becomes in the JSON document. */
export interface Result {
  contenders: {
    name: string;
    subject: string;
    peakRssMiB: number;
    peakGpuMiB?: number;
    parameters?: number;
    kernelShare?: Record<string, number>;
  }[];
  comparisons: Comparison[];
  shares: { contender: string; what: string; share: number | null }[];
}

/** Each contender's rates: medians over rounds. */
function medians(reports: Rounds['reports'], works: readonly string[]): Map<string, Record<string, number>> {
  const all = new Map([...reports.keys()].map((name) => [name, {} as Record<string, number>]));
  for (const what of works)
    for (const { contender, rate } of compare(reports, what)) all.get(contender)![what] = rate.median;
  return all;
}

export function resultOf(
  reports: Rounds['reports'],
  works: readonly string[],
  shares: readonly Share[] = [],
): Result {
  return {
    contenders: [...reports].map(([name, all]) => ({
      name,
      subject: all[0]!.subject,
      peakRssMiB: peakRssMiB(all),
      ...(peakGpuMiB(all) !== null && { peakGpuMiB: peakGpuMiB(all)! }),
      ...(all[0]!.parameters !== undefined && { parameters: all[0]!.parameters }),
      ...(all[0]!.kernelShare && { kernelShare: all[0]!.kernelShare }),
    })),
    comparisons: works.flatMap((what) => compare(reports, what)),
    shares: shares.flatMap(({ head, of }) =>
      [...medians(reports, works)].map(([contender, rates]) => ({ contender, what: head, share: of(rates) })),
    ),
  };
}

/** A row for each contender, for each kind of work its tokens per second and ours ÷ its; then shares and memory. */
export function contenderTable(
  title: string,
  reports: Rounds['reports'],
  works: Record<string, string>,
  shares: readonly Share[] = [],
): BenchTable {
  const names = Object.keys(works);
  const columns = new Map(names.map((what) => [what, compare(reports, what)]));
  const alone = reports.size === 1;
  const rates = medians(reports, names);
  const known = (share: number | null) => (share === null ? 'not known' : percent(share));
  const onGpu = [...reports.values()].some((all) => peakGpuMiB(all) !== null);
  const inKernels = ({ kernelShare }: Report) =>
    kernelShare ? names.map((what) => percent(kernelShare[what]!)).join(', ') : 'not known';
  const memory = (mib: number | null) => (mib === null ? 'not known' : String(Math.round(mib)));
  return {
    title,
    head: [
      '',
      ...Object.values(works).flatMap((label) => (alone ? [label] : [label, 'ours ÷ this'])),
      ...shares.map(({ head }) => head),
      ...(onGpu ? ['peak of the GPU, MiB'] : ['in kernels']),
      'peak RSS, MiB',
    ],
    rows: [...reports].map(([name, all], i) => [
      name === OURS ? `ours: ${all[0]!.subject}` : name,
      ...names.flatMap((what) => {
        const { rate: tokens, ratio } = columns.get(what)![i]!;
        return alone ? [rate(tokens)] : [rate(tokens), ratio ? times(ratio) : ''];
      }),
      ...shares.map(({ of }) => known(of(rates.get(name)!))),
      onGpu ? memory(peakGpuMiB(all)) : name === OURS ? inKernels(all[0]!) : '',
      String(Math.round(peakRssMiB(all))),
    ]),
  };
}
