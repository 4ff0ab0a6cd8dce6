// No part of the program but a task knows what is learned: what a task's contexts and outputs are called comes from the task.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const folders = [
  'ilf',
  'pipeline',
  'writers',
  'rankers',
  'feedback',
  'baselines',
  'kl',
  'measure',
  'report',
  'cli',
  'store',
];
const taskWords = new Set(['post', 'posts', 'summary', 'summaries', 'summarise', 'brief', 'briefs']);

/** HTML's own element, as tag or CSS selector, and TensorBoard's message of that name. */
const others =
  /<\/?summary>|^summary \{|\bSummary summary = \d;|^message Summary|summary: \{ value|summary\.proto/;

/** The words of a line, those within names too: "samplePost" has "post". */
const wordsOf = (line: string) =>
  line
    .replace(/([a-z])([A-Z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^a-z]+/);

const breaches = (path: string, text: string) =>
  text
    .split('\n')
    .flatMap((line, i) =>
      !others.test(line.trim()) && wordsOf(line).some((word) => taskWords.has(word))
        ? [`${path}:${i + 1}: ${line.trim()}`]
        : [],
    );

it('knows no word of any one task', () => {
  const found = folders.flatMap((folder) =>
    readdirSync(join(root, 'src', folder), { recursive: true, withFileTypes: true })
      .filter((file) => file.isFile() && file.name.endsWith('.ts'))
      .flatMap((file) => {
        const path = join(file.parentPath, file.name);
        return breaches(relative(root, path), readFileSync(path, 'utf8'));
      }),
  );
  expect(found).toEqual([]);
});

it.each(['const samplePost = 1;', "label: 'Gold summaries'", '// of a post', 'toSummary()'])(
  'sees %s',
  (line) => {
    expect(breaches('a.ts', line)).toHaveLength(1);
  },
);
it.each(['<details><summary>Options</summary>', 'posterior(postpone)', 'summary { cursor: pointer; }'])(
  'lets %s pass',
  (line) => {
    expect(breaches('a.ts', line)).toEqual([]);
  },
);
