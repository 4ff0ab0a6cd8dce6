import { execFileSync, spawn } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { packageDir as root } from '../../src/store/package.js';

const program = join(root, 'train.js');

/** Compiles dist/ where it is older than its sources: the tests run the program that people run. */
export function buildOnce(): void {
  const built = join(root, 'dist', 'src', 'cli', 'main.js');
  const newest = ['src', 'bench', 'tests/engine']
    .flatMap((folder) => readdirSync(join(root, folder), { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .reduce((time, entry) => Math.max(time, statSync(join(entry.parentPath, entry.name)).mtimeMs), 0);
  if (existsSync(built) && statSync(built).mtimeMs > newest) return;
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  execFileSync(process.execPath, [tsc, '-p', join(root, 'tsconfig.build.json')], { stdio: 'inherit' });
}

export interface Finished {
  /** null where a signal ended it. */
  code: number | null;
  stdout: string;
  stderr: string;
}

export interface CliOptions {
  cwd: string;
  /** Modules that the process imports first (`hook`). */
  hooks?: readonly string[];
  /** Beside the environment of this process: KILL_AT and others of kill-at.mjs, which need no hook named. */
  env?: Record<string, string>;
  /** Milliseconds after which it is killed (SIGKILL). */
  killAfter?: number;
  /** Runs it under a shell that first does this. */
  shell?: string;
}

/** A module of tests/helpers that a process imports first. */
export const hook = (name: 'kill-at' | 'tiny-recipe'): string =>
  join(root, 'tests', 'helpers', `${name}.mjs`);

/** How a process ends that kill-at.mjs ends. */
export const killed: Finished = { code: null, stdout: '', stderr: '' };

/** `node train.js ARGUMENTS`. */
export function cli(
  words: readonly string[],
  { cwd, hooks = [], env = {}, killAfter, shell }: CliOptions,
): Promise<Finished> {
  const imported = [
    ...hooks,
    ...(Object.keys(env).some((name) => /^(KILL|STEPS)_/.test(name)) ? [hook('kill-at')] : []),
  ];
  const ours = [...imported.flatMap((path) => ['--import', path]), program, ...words];
  const [command, args] = shell
    ? ['bash', ['-c', `${shell}; exec "$@"`, 'bash', process.execPath, ...ours]]
    : [process.execPath, ours];
  const child = spawn(command, args, {
    cwd,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const timer = killAfter === undefined ? undefined : setTimeout(() => child.kill('SIGKILL'), killAfter);
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => {
      clearTimeout(timer);
      resolve({ code, stdout, stderr });
    });
  });
}

/** Everything below a folder, as paths from it. */
export const filesBelow = (dir: string): string[] =>
  existsSync(dir)
    ? readdirSync(dir, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath, entry.name).slice(dir.length + 1))
        .sort()
    : [];
