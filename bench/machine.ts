/** What the numbers were measured on. Leaves out clock rates: they change while one looks. */
import { existsSync, readFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, totalmem } from 'node:os';
import { join } from 'node:path';
import { packageDir } from '../src/store/package.js';

export interface Machine {
  cpu: string;
  cores: number;
  /** Of the vector instructions that matter here, those that the CPU has; empty where the system does not say. */
  isa: string[];
  memoryGiB: number;
  system: string;
  node: string;
  /** What the addon was built with; null where it was not built here. */
  compiler: string | null;
}

const FLAGS = ['avx2', 'avx512f', 'avx512_bf16', 'avx512_fp16', 'amx_bf16', 'asimd', 'bf16', 'sve'];

function flags(): string[] {
  if (!existsSync('/proc/cpuinfo')) return [];
  const line = /^(?:flags|Features)\s*:(.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1] ?? '';
  const has = new Set(line.trim().split(' '));
  return FLAGS.filter((flag) => has.has(flag));
}

/** The build's stamp begins each recipe with the command and the line of its --version that has numbers. */
function compiler(): string | null {
  try {
    const stamp = JSON.parse(readFileSync(join(packageDir, 'build', 'ilf_cpu.json'), 'utf8'));
    const recipe = String(Object.values(stamp as Record<string, string>)[0]);
    return /^\S+ (.*?) -/.exec(recipe)?.[1] ?? null;
  } catch {
    return null;
  }
}

export const machine = (): Machine => ({
  cpu: cpus()[0]?.model.trim() ?? 'unknown CPU',
  cores: availableParallelism(),
  isa: flags(),
  memoryGiB: Math.round((totalmem() / 2 ** 30) * 10) / 10,
  system: `${process.platform} ${process.arch}`,
  node: process.version,
  compiler: compiler(),
});

export const describe = (m: Machine): string =>
  [
    `${m.cpu} (${m.isa.join(', ') || 'instruction sets not known'})`,
    `${m.cores} logical cores`,
    `${m.memoryGiB} GiB`,
    m.system,
    `Node ${m.node}`,
    m.compiler ?? 'compiler not known',
  ].join('; ');

/** Load average of the last minute. */
export const load = (): number => Math.round(loadavg()[0]! * 100) / 100;
