// The environment variables in the pages are those that the program, its build and its tests read.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { PAGES, readText, root } from './pages.js';

const READ = /\benv\.(ILF_\w+)|\bgetenv\("(ILF_\w+)"|^\s+(ILF_\w+): \[/gm;

/** Names, and a file that reads each. */
function readVariables(): Map<string, string> {
  const found = new Map<string, string>();
  for (const folder of ['src', 'bench', 'kernels', 'tests'])
    for (const file of readdirSync(join(root, folder), { recursive: true, withFileTypes: true })) {
      if (!file.isFile() || !/\.(?:[cm]?[jt]s|cc|cu|h)$/.test(file.name)) continue;
      const path = join(file.parentPath, file.name).slice(root.length + 1);
      for (const [, ...names] of readText(path).matchAll(READ)) found.set(names.find(Boolean)!, path);
    }
  return found;
}

const named = new Map(
  PAGES.flatMap((page) => [...readText(page).matchAll(/\bILF_[A-Z_]+/g)].map(([name]) => [name, page])),
);

it('every variable that is read is in the pages', () => {
  const read = readVariables();
  expect(read.size).toBeGreaterThan(8);
  expect([...read].filter(([name]) => !named.has(name))).toEqual([]);
});

it('every variable in the pages is read', () => {
  const read = readVariables();
  expect([...named].filter(([name]) => !read.has(name))).toEqual([]);
});
