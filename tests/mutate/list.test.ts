// The list of mutants fits the tree: each one's line is there, once, and so are the tests that should notice it.
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { mutants } from './list/index.js';
import { staleIn } from './mutate.js';

it('no mutant is stale', () => {
  const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
  expect(staleIn(root, mutants)).toEqual([]);
});
