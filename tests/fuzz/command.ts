/** Now and then, the program itself reads an input, in a process of its own: how it ends there, and what it says. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Example } from './kind.js';
import { MOST_BYTES, MOST_SECONDS, peakOf } from './reader.js';

/** What is wrong with how it ended; undefined where nothing is. */
export async function commandFault(example: Example, dir: string): Promise<string | undefined> {
  const out = mkdtempSync(join(tmpdir(), 'ilf-fuzz-out-'));
  const words = example.command!(dir, out);
  const child = spawn(process.execPath, ['train.js', ...words], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, ILF_THREADS: '1' },
  });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  let why: string | undefined;
  const end = (reason: string) => {
    why ??= reason;
    child.kill('SIGKILL');
  };
  const timer = setTimeout(() => end(`not done after ${MOST_SECONDS} s`), MOST_SECONDS * 1000);
  const watch = setInterval(() => {
    if ((peakOf(child.pid!) ?? 0) > MOST_BYTES) end('more than 1 GB of memory');
  }, 50);
  const [code, signal] = await new Promise<[number | null, string | null]>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (...how) => resolve(how));
  });
  clearTimeout(timer);
  clearInterval(watch);
  rmSync(out, { recursive: true, force: true });
  if (why) return why;
  const said = stderr.slice(0, 2000);
  if (code === 0) return stderr === '' ? undefined : `status 0, and it says: ${said}`;
  if (code !== 1 && code !== 2) return `it ended by ${signal ?? `status ${code}`}: ${said}`;
  return /^[^\n]+\n$/.test(stderr) ? undefined : `status ${code}, and no one line: ${said}`;
}
