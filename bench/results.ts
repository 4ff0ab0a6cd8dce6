/**
 * Files of results: what a bench measured, as tables (Markdown) and as JSON, under the GPU's or the CPU's name and the date.
 * Each is always whole, and up to date with the last part that ended. Leaves out what says nothing about speed.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { writeFileAtomic } from '../src/store/atomic.js';
import { describe } from './machine.js';
import { benchDir } from './models.js';
import type { Outcome } from './outcome.js';
import type { Provenance } from './provenance.js';
import type { Gpu } from './report.js';
import { peakBandwidth, peakFlops } from './roofline.js';
import { type BenchTable, renderTable } from './table.js';

export const resultsDir = join(benchDir, 'results');

/** "NVIDIA H100 80GB HBM3" → "nvidia-h100-80gb-hbm3-2026-11-24". */
export const resultName = (processor: string, date: string): string =>
  `${processor
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '')}-${date}`;

/** What single processes reported ends in this (journal.ts). */
export const JOURNAL = '.reports.jsonl';

/** NAME, or NAME-2 … where files of an earlier run have it. */
export function freeName(dir: string, name: string): string {
  let free = name;
  for (let i = 2; ['.md', '.json', JOURNAL].some((ending) => existsSync(join(dir, `${free}${ending}`))); i++)
    free = `${name}-${i}`;
  return free;
}

/** Writes NAME.json and NAME.md, in the place of those that are there. @returns their paths */
export async function writeResults(dir: string, name: string, text: string, json: object): Promise<string[]> {
  const paths = [join(dir, `${name}.json`), join(dir, `${name}.md`)];
  await writeFileAtomic(paths[0]!, `${JSON.stringify(json, null, 1)}\n`);
  await writeFileAtomic(paths[1]!, text);
  return paths;
}

const cuda = (n: number) => `${Math.floor(n / 1000)}.${Math.floor((n % 1000) / 10)}`;

function aboutGpu(gpu: Gpu, driver: string | null): [name: string, value: string][] {
  const [flops, bytes] = [peakFlops(gpu), peakBandwidth(gpu)];
  const peaks = [
    flops === null ? 'bfloat16 not known' : `${(flops / 1e12).toFixed(0)} TFLOP/s in bfloat16 (dense)`,
    bytes === null ? 'memory not known' : `${(bytes / 1e12).toFixed(2)} TB/s`,
  ];
  return [
    [
      'GPU',
      `${gpu.name}, compute capability ${gpu.major}.${gpu.minor}, ${(gpu.memory / 2 ** 30).toFixed(0)} GiB`,
    ],
    [
      'clocks',
      `${gpu.multiprocessors} multiprocessors at up to ${gpu.clockRate / 1000} MHz, memory at ${gpu.memoryClockRate / 1000} MHz × ${gpu.memoryBusWidth} bits`,
    ],
    ['peaks from these', peaks.join(', ')],
    ['driver', `${driver ?? 'version not known'}, for CUDA ${cuda(gpu.driver)}`],
    ['CUDA runtime', cuda(gpu.runtime)],
    ['matrix products', gpu.blas],
  ];
}

/** What a table's numbers are. */
export const MEDIANS =
  'Medians over rounds (least to most) of the medians in a process; ours ÷ this above 1: ours is faster.';

const MFU =
  'MFU is 6·N + 12·L·H·Q·T FLOPs a token (PaLM, appendix B; bench/roofline.ts) over the peak above, which is that of the highest clock, and over the datasheet’s.';

/** The whole file. summary: what the parts come to. */
export function markdown(from: Provenance, outcomes: readonly Outcome[], summary?: BenchTable): string {
  const { gpu, machine } = from;
  const facts = [
    ...(gpu ? aboutGpu(gpu, from.driver) : []),
    ['host', describe(machine)],
    ['date', from.date],
    ['commit', from.commit ?? 'not known'],
    ['command', `\`${from.command}\``],
  ];
  return `${[
    `# ${gpu?.name ?? machine.cpu}, ${from.date}`,
    ...(from.caveat === null ? [] : [`**No measurement**: ${from.caveat}.`]),
    facts.map(([name, value]) => `- ${name}: ${value}`).join('\n'),
    `${MEDIANS} ${gpu ? `${MFU} ` : ''}The same numbers as JSON are in the file beside this one.`,
    ...(summary ? [renderTable(summary, true)] : []),
    ...outcomes.flatMap(({ part, tables, notes }) => [
      `## ${part}`,
      // A heading says it once.
      ...tables.map(({ title, ...table }) =>
        renderTable({ ...table, title: title === part ? '' : title }, true).trim(),
      ),
      ...(notes.length > 0 ? [notes.map((note) => `- ${note}`).join('\n')] : []),
    ]),
  ].join('\n\n')}\n`;
}
