import { execFileSync, spawn } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
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
  /** Kills the process (SIGKILL) as soon as this is true; asked every few milliseconds. */
  killWhen?: () => boolean;
  /** Runs it under a shell that first does this. */
  shell?: string;
}

/** `node train.js ARGUMENTS`. */
export function cli(words: readonly string[], { cwd, killWhen, shell }: CliOptions): Promise<Finished> {
  const [command, args] = shell
    ? ['bash', ['-c', `${shell}; exec "$@"`, 'bash', process.execPath, program, ...words]]
    : [process.execPath, [program, ...words]];
  const child = spawn(command, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const watch = killWhen && setInterval(() => killWhen() && child.kill('SIGKILL'), 2);
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => {
      clearInterval(watch);
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
