/** Where the numbers of a bench come from: the machine, its GPU and driver, the commit and the command line. */
import { existsSync, readFileSync } from 'node:fs';
import { packageDir } from '../src/store/package.js';
import { TimeUp } from './budget.js';
import { ChildError, output } from './child.js';
import type { Machine } from './machine.js';
import type { Gpu } from './report.js';

export interface Provenance {
  machine: Machine;
  /** null where nothing runs on an NVIDIA GPU. */
  gpu: Gpu | null;
  /** Of NVIDIA's kernel module. */
  driver: string | null;
  /** YYYY-MM-DD, UTC. */
  date: string;
  /** With "+" where files differ from it. */
  commit: string | null;
  /** Without paths of the machine. */
  command: string;
  /** Why the numbers say nothing about speed; null where they do. */
  caveat: string | null;
}

export function caveatOf(gpu: Gpu | null, quick: boolean): string | null {
  if (gpu?.emulated) return 'the kernels were emulated on the CPU';
  return quick ? '--quick says nothing about speed' : null;
}

/** The version in /proc/driver/nvidia/version: "… Kernel Module  550.54.15  Tue …", "… Open Kernel Module for x86_64  570.86 …". */
export const driverIn = (text: string): string | null =>
  /Kernel Module(?: for \S+)?\s+(\d+(?:\.\d+)+)/.exec(text)?.[1] ?? null;

/** Seconds after which a program that is asked who it is has no answer. */
const PATIENCE = 5;

async function said(command: string, ...args: string[]): Promise<string | null> {
  const started = performance.now();
  const budget = { left: () => PATIENCE - (performance.now() - started) / 1000 };
  try {
    return (await output({ command, args }, budget)).trim();
  } catch (error) {
    if (error instanceof ChildError || error instanceof TimeUp) return null;
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

export const provenance = async (
  machine: Machine,
  gpu: Gpu | null,
  words: readonly string[],
  quick: boolean,
): Promise<Provenance> => ({
  machine,
  gpu,
  driver: gpu && (await driver()),
  date: new Date().toISOString().slice(0, 10),
  commit: await commit(),
  command: shownCommand(words),
  caveat: caveatOf(gpu, quick),
});
