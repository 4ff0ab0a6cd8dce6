/** What the pages say, taken apart: code blocks, inline code, tables. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
export const readText = (path: string): string => readFileSync(join(root, path), 'utf8');

/** Of the program as it is; CHANGELOG.md and bench/LOG.md tell of what was. */
export const PAGES: readonly string[] = [
  'README.md',
  'CONTRIBUTING.md',
  'models/README.md',
  'data/README.md',
  'bench/RESULTS.md',
  ...readdirSync(join(root, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
];

const FENCED = /^```(\w*)\n([\s\S]*?)^```$/gm;

/** Lines of the page's shell blocks: without comments, one command each, continued lines as one. */
export const shellLines = (page: string): string[] =>
  [...readText(page).matchAll(FENCED)]
    .filter(([, language]) => language === 'sh')
    .flatMap(([, , text]) => text!.replace(/\\\n/g, ' ').split('\n'))
    .map((line) => line.replace(/(^|\s)#.*$/, ''))
    .flatMap((line) => line.split('&&'))
    .map((line) => line.trim())
    .filter((line) => line !== '');

/** What stands between backticks outside of blocks, line breaks as blanks. */
export const inlineCode = (page: string): string[] =>
  [
    ...readText(page)
      .replace(FENCED, '')
      .matchAll(/(`+)([^`]+)\1/g),
  ].map(([, , code]) => code!.replace(/\s+/g, ' ').trim());

/** A table's rows by its first cell in the head and the heads of the others, without the head; cells are Markdown. */
export function table(page: string, head: string): string[][] {
  const lines = readText(page).split('\n');
  const at = lines.findIndex((line) => line.trim() === head);
  if (at < 0) throw new Error(`${page} has no table ${head}`);
  const end = lines.findIndex((line, i) => i > at && !line.startsWith('|'));
  return lines.slice(at + 2, end < 0 ? undefined : end).map((line) =>
    line
      .split(/(?<!\\)\|/)
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

/** The inline code of a cell. */
export const codeIn = (cell: string): string[] => [...cell.matchAll(/`([^`]+)`/g)].map(([, code]) => code!);

/** Markdown as it reads: without backticks, and links as their words. */
export const asText = (markdown: string): string =>
  markdown.replace(/`/g, '').replace(/\[([^\]]*)\]\([^)]*\)/g, '$1');
