/**
 * `node train.js WORDS` in this process. Leaves out: a run's page, whose charts take longer than all the rest (net.test.ts reads it).
 */
import { expect, vi } from 'vitest';

vi.mock('../../src/report/run/html.js', async (original) => ({
  ...(await original<object>()),
  renderHtml: async () => '',
}));

/** What it prints; it has to do what it is told without a word on standard error, but for what must be known of a person's own data. */
export async function program(...words: string[]): Promise<string> {
  // Not before what it loads was replaced.
  const { inProcess } = await import('../helpers/in-process.js');
  const { stdout, ...ended } = await inProcess(words, { cwd: process.cwd() });
  const lines = ended.stderr.split('\n');
  const others = lines.filter(
    (line) => !/^(The models do not know|Too few held-out|No independent judge)/.test(line),
  );
  expect({ ...ended, stderr: others.join('\n') }).toEqual({ code: 0, stderr: '' });
  return stdout;
}
