import { vi } from 'vitest';
import { main } from '../../src/cli/main.js';
import type { Finished } from './cli.js';

/**
 * `node train.js WORDS` in this process, from the sources: what is loaded is loaded once. For what a command says and writes; that the
 * program does the same in a process of its own, and how it ends there, is for `cli`.
 */
export async function inProcess(words: readonly string[], { cwd }: { cwd: string }): Promise<Finished> {
  let [stdout, stderr] = ['', ''];
  const to =
    (take: (text: string) => void) =>
    (text: unknown, ...rest: unknown[]) => {
      take(String(text));
      const done = rest.at(-1);
      if (typeof done === 'function') done();
      return true;
    };
  const out = (text: string) => {
    stdout += text;
  };
  const err = (text: string) => {
    stderr += text;
  };
  const spies = [
    vi.spyOn(process.stdout, 'write').mockImplementation(to(out)),
    vi.spyOn(process.stderr, 'write').mockImplementation(to(err)),
    vi.spyOn(console, 'log').mockImplementation((text) => out(`${text}\n`)),
    vi.spyOn(console, 'error').mockImplementation((text) => err(`${text}\n`)),
  ];
  const here = process.cwd();
  process.chdir(cwd);
  try {
    return { code: await main(words), stdout, stderr };
  } finally {
    process.chdir(here);
    for (const spy of spies) spy.mockRestore();
  }
}
