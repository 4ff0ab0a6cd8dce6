/**
 * `node train.js WORDS` in this process, from the sources: what is loaded is loaded once. That the compiled program does the same in a
 * process of its own is for tests/cli. Leaves out: a run's page, whose charts take longer than all the rest (net.test.ts reads it).
 */
import { expect, vi } from 'vitest';

vi.mock('../../src/report/run/html.js', async (original) => ({
  ...(await original<object>()),
  renderHtml: async () => '',
}));

/** The command line's `main`; its module runs what the process was told, which is made to be next to nothing. */
async function load(): Promise<(words: readonly string[]) => Promise<number>> {
  const { argv } = process;
  process.argv = [...argv.slice(0, 2), '--version'];
  try {
    return (await import('../../src/cli/main.js')).main;
  } finally {
    process.argv = argv;
  }
}
let main: ReturnType<typeof load> | undefined;

/** What it prints; it has to do what it is told without a word on standard error. */
export async function program(...words: string[]): Promise<string> {
  const [printed, said]: [string[], string[]] = [[], []];
  const out = vi.spyOn(process.stdout, 'write').mockImplementation((text, ...rest) => {
    printed.push(String(text));
    const done = rest.at(-1);
    if (typeof done === 'function') (done as () => void)();
    return true;
  });
  const log = vi.spyOn(console, 'log').mockImplementation((text) => printed.push(`${text}\n`));
  const error = vi.spyOn(console, 'error').mockImplementation((text) => said.push(String(text)));
  try {
    main ??= load();
    const run = await main;
    printed.length = 0;
    expect([await run(words), said]).toEqual([0, []]);
  } finally {
    out.mockRestore();
    log.mockRestore();
    error.mockRestore();
  }
  return printed.join('');
}
