/**
 * `node train.js WORDS` in this process. Leaves out: a run's page, whose charts take longer than all the rest (net.test.ts reads it).
 */
import { expect, vi } from 'vitest';

vi.mock('../../src/report/run/html.js', async (original) => ({
  ...(await original<object>()),
  renderHtml: async () => '',
}));

/** What it prints; it has to do what it is told without a word on standard error. */
export async function program(...words: string[]): Promise<string> {
  // Not before what it loads was replaced.
  const { inProcess } = await import('../helpers/in-process.js');
  const { stdout, ...ended } = await inProcess(words, { cwd: process.cwd() });
  expect(ended).toEqual({ code: 0, stderr: '' });
  return stdout;
}
