/**
 * Files of results: what a run on a GPU measured, as tables (Markdown) and as JSON, under the GPU's name and the date. Each is
 * written whole, when everything has been measured. Leaves out runs that say nothing about a GPU.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageDir } from '../src/cli/package.js';
import { writeFileAtomic } from '../src/store/atomic.js';
import { ChildError, output } from './child.js';
import { benchDir } from './models.js';
import type { Outcome } from './outcome.js';
import type { Gpu } from './report.js';
import { peakBandwidth, peakFlops } from './roofline.js';
import { renderTable } from './table.js';

export const resultsDir = join(benchDir, 'results');

/** Where a run's numbers come from. */
export interface Provenance {
  gpu: Gpu;
  /** Of NVIDIA's kernel module. */
  driver: string | null;
  /** YYYY-MM-DD, UTC. */
  date: string;
  /** With "+" where files differ from it. */
  commit: string | null;
  /** Without paths of the machine. */
  command: string;
}

/** Why nothing is written; null where it is. */
export function unwritten(gpu: Gpu, quick: boolean): string | null {
  if (gpu.emulated) return 'not written to a file: the kernels were emulated on the CPU';
  return quick ? 'not written to a file: --quick says nothing about speed' : null;
}

/** "NVIDIA H100 80GB HBM3" → "nvidia-h100-80gb-hbm3-2026-11-24". */
export const resultName = (gpu: string, date: string): string =>
  `${gpu
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '')}-${date}`;

/** The version in /proc/driver/nvidia/version: "… Kernel Module  550.54.15  Tue …", "… Open Kernel Module for x86_64  570.86 …". */
export const driverIn = (text: string): string | null =>
  /Kernel Module(?: for \S+)?\s+(\d+(?:\.\d+)+)/.exec(text)?.[1] ?? null;

async function said(command: string, ...args: string[]): Promise<string | null> {
  try {
    return (await output({ command, args })).trim();
  } catch (error) {
    if (error instanceof ChildError) return null;
    throw error;
  }
}

async function driver(): Promise<string | null> {
  const file = '/proc/driver/nvidia/version';
  const found = existsSync(file) ? driverIn(readFileSync(file, 'utf8')) : null;
  const asked =
    found ?? (await said('nvidia-smi', '--query-gpu=driver_version', '--format=csv,noheader', '--id=0'));
  return asked || null;
}

async function commit(): Promise<string | null> {
  const head = await said('git', '-C', packageDir, 'rev-parse', 'HEAD');
  if (!head) return null;
  const changed = await said('git', '-C', packageDir, 'status', '--porcelain', '--untracked-files=no');
  return changed ? `${head}+` : head;
}

/** The command line without paths: PYTHON and DIR for them. */
export function shownCommand(words: readonly string[]): string {
  const names: Record<string, string> = { '--peer-python': 'PYTHON', '--out': 'DIR' };
  const shown = words.map((word, i) => {
    const [option, value] = word.split('=', 2) as [string, string?];
    if (value !== undefined && names[option]) return `${option}=${names[option]}`;
    return names[words[i - 1] ?? ''] ?? word;
  });
  return ['npm run bench --', ...shown].join(' ');
}

export const provenance = async (gpu: Gpu, words: readonly string[]): Promise<Provenance> => ({
  gpu,
  driver: await driver(),
  date: new Date().toISOString().slice(0, 10),
  commit: await commit(),
  command: shownCommand(words),
});

const cuda = (n: number) => `${Math.floor(n / 1000)}.${Math.floor((n % 1000) / 10)}`;

/** The whole file. host: the machine around the GPU. */
export function markdown(from: Provenance, host: string, outcomes: readonly Outcome[]): string {
  const { gpu } = from;
  const [flops, bytes] = [peakFlops(gpu), peakBandwidth(gpu)];
  const peaks = [
    flops === null ? 'bfloat16 not known' : `${(flops / 1e12).toFixed(0)} TFLOP/s in bfloat16 (dense)`,
    bytes === null ? 'memory not known' : `${(bytes / 1e12).toFixed(2)} TB/s`,
  ];
  const facts = [
    [
      'GPU',
      `${gpu.name}, compute capability ${gpu.major}.${gpu.minor}, ${(gpu.memory / 2 ** 30).toFixed(0)} GiB`,
    ],
    [
      'clocks',
      `${gpu.multiprocessors} multiprocessors at up to ${gpu.clockRate / 1000} MHz, memory at ${gpu.memoryClockRate / 1000} MHz × ${gpu.memoryBusWidth} bits`,
    ],
    ['peaks from these', peaks.join(', ')],
    ['driver', `${from.driver ?? 'version not known'}, for CUDA ${cuda(gpu.driver)}`],
    ['CUDA runtime', cuda(gpu.runtime)],
    ['cuBLASLt', gpu.blas.replace(/^cuBLASLt /, '')],
    ['host', host],
    ['date', from.date],
    ['commit', from.commit ?? 'not known'],
    ['command', `\`${from.command}\``],
  ];
  const parts = outcomes.flatMap(({ bench, tables, notes }) => [
    `## ${bench}`,
    ...tables.map((table) => renderTable(table, true)),
    ...(notes.length > 0 ? [notes.map((note) => `- ${note}`).join('\n')] : []),
  ]);
  return `${[
    `# ${gpu.name}, ${from.date}`,
    facts.map(([name, value]) => `- ${name}: ${value}`).join('\n'),
    'Medians over rounds (least to most) of the medians in a process; ours ÷ this above 1: ours is faster. MFU is 6·N + 12·L·H·Q·T FLOPs a token (PaLM, appendix B; bench/roofline.ts) over the peak above. The same numbers as JSON are in the file beside this one.',
    ...parts,
  ].join('\n\n')}\n`;
}

/** Writes NAME.md and NAME.json, or NAME-2 …, where a run of the same day is there already. @returns their paths */
export async function writeResults(dir: string, name: string, text: string, json: object): Promise<string[]> {
  let free = name;
  for (let i = 2; ['md', 'json'].some((ending) => existsSync(join(dir, `${free}.${ending}`))); i++)
    free = `${name}-${i}`;
  const paths = [join(dir, `${free}.json`), join(dir, `${free}.md`)];
  await writeFileAtomic(paths[0]!, `${JSON.stringify(json, null, 1)}\n`);
  await writeFileAtomic(paths[1]!, text);
  return paths;
}
