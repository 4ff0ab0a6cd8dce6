// Log-probabilities of the embedded model by transformers (float32): tests/python/in-transformers.py models/base --golden FILE.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { startEngine } from '../../src/engine/index.js';
import { loadLM } from '../../src/lm/files.js';
import { scoreCompletions } from '../../src/lm/score.js';

interface Row {
  prompt_ids: number[];
  completion_ids: number[];
  logprobs: number[];
}
const rows = readFileSync(join(import.meta.dirname, 'goldens', 'base.jsonl'), 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as Row);

it('are those of transformers to 1e-5 a token', async () => {
  await startEngine();
  const lm = await loadLM('models/base');
  const items = rows.map((row) => ({ prompt: row.prompt_ids, completion: row.completion_ids }));
  const ours = await scoreCompletions(lm, items);
  lm.dispose();
  expect(ours.map((of) => of.length)).toEqual(rows.map(({ logprobs }) => logprobs.length));
  const apart = ours.flatMap((of, i) => Array.from(of, (lp, t) => Math.abs(lp - rows[i]!.logprobs[t]!)));
  expect(apart.length).toBeGreaterThan(30);
  expect(Math.max(...apart)).toBeLessThanOrEqual(1e-5);
});
