import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { sampleLines } from '../../src/tasks/briefs/sample.js';

it('data/briefs-sample.jsonl is what the world makes now', async () => {
  const text = await readFile(new URL('../../data/briefs-sample.jsonl', import.meta.url), 'utf8');
  const lines = text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as unknown);
  expect(lines, 'run "npm run build && node data/make-sample.js"').toEqual(sampleLines(20));
});
