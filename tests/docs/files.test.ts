// What docs/files.md says of tables and of result.json is what is written.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as tables from '../../src/pipeline/tables.js';
import { COLUMNS, type ColumnKind } from '../../src/store/column-kinds.js';
import type { TableSchema } from '../../src/store/tables.js';
import { inProcess } from '../helpers/in-process.js';
import { asText, codeIn, table } from './pages.js';

const PAGE = 'docs/files.md';
const schemas = Object.fromEntries(
  Object.entries(tables).filter(([name, of]) => name.endsWith('Table') && typeof of === 'object'),
) as unknown as Record<string, TableSchema>;

/** The tables whose schemas have another name than they. */
const OTHER: Record<string, string> = {
  outputs: 'initialTable',
  'no-feedback': 'textsTable',
  'shuffled-feedback': 'textsTable',
  'familiarity/ROLE': 'familiarityTable',
};
const schemaOf = (name: string) =>
  OTHER[name] ?? `${name.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase())}Table`;

/** A list in words: what stands in parentheses explains. */
const listed = (cell: string) =>
  asText(cell)
    .replace(/\s*\([^()]*\)/g, '')
    .split(', ')
    .map((word) => word.trim());

describe('tables', () => {
  const rows = table(PAGE, '| table | columns |').flatMap(([names, columns]) =>
    listed(names!).map((name) => [name, listed(columns!)] as const),
  );
  it.each(rows)('%s has the columns of its schema, in their order', (name, columns) => {
    expect(columns).toEqual(Object.keys(schemas[schemaOf(name)] ?? {}));
  });

  it('every schema is listed', () => {
    const known = new Set(rows.map(([name]) => schemaOf(name)));
    expect(Object.keys(schemas).filter((name) => !known.has(name))).toEqual([]);
  });

  it('the columns that may be left out, hold nothing or be infinite are those that the page names', () => {
    const text = asText(readFileSync(PAGE, 'utf8').replace(/\s+/g, ' '));
    const [, left] = text.match(/; ([^;.]*?) may be left out/)!;
    const [, empty] = text.match(/a cell without a value, but for (\w+)/)!;
    const [, infinite] = text.match(/NaN or infinite, but for ([^;.]*?), which may be infinite/)!;
    const of = (isIt: (kind: ColumnKind) => boolean) =>
      [
        ...new Set(
          Object.values(schemas).flatMap((schema) =>
            Object.entries(schema).flatMap(([name, kind]) => (isIt(kind) ? [name] : [])),
          ),
        ),
      ].toSorted();
    const words = (list: string) => list.split(/, | and /).toSorted();
    expect(words(left!)).toEqual(of((kind) => COLUMNS[kind].absent !== undefined));
    expect(words(empty!)).toEqual(of((kind) => COLUMNS[kind].nullable === true));
    expect(words(infinite!)).toEqual(of((kind) => kind === 'float64 or infinite'));
  });
});

describe('a run', () => {
  const cwd = mkdtempSync(join(tmpdir(), 'ilf-docs-'));
  let result: Record<string, unknown>;
  let written: string[];
  beforeAll(async () => {
    const sizes = ['--contexts', '3', '--heldout', '4', '--samples', '2', '--max-tokens', '24'];
    const { code, stdout, stderr } = await inProcess([...sizes, '--run', 'run', '--json', '--quiet'], {
      cwd,
    });
    expect(code, stderr).toBe(0);
    result = JSON.parse(stdout);
    written = readdirSync(join(cwd, 'run'), { recursive: true }).map((path) => String(path));
  });
  afterAll(() => rmSync(cwd, { recursive: true, force: true }));

  const at = (path: string): unknown =>
    path.split('.').reduce<unknown>((of, key) => (of as Record<string, unknown> | undefined)?.[key], result);
  /** `a.b`, `.c` → a.b, a.c */
  const paths = (cell: string): string[] => {
    const codes = codeIn(cell);
    const parent = codes[0]!.split('.')[0]!;
    return codes.map((code) => (code.startsWith('.') ? `${parent}${code}` : code));
  };
  /** Only of one's own data. */
  const OWN_DATA = ['familiarity', 'scorer'];
  const rows = table(PAGE, '| field | |');

  it('has the fields of result.json that the page lists', () => {
    const missing = rows.flatMap(([fields]) => paths(fields!)).filter((path) => at(path) === undefined);
    expect(missing.toSorted()).toEqual(OWN_DATA.toSorted());
  });

  it('has the fields within them that the page explains', () => {
    const within = (of: unknown, key: string): boolean =>
      typeof of === 'object' &&
      of !== null &&
      (key in of || Object.values(of).some((each) => within(each, key)));
    const missing = rows.flatMap(([fields, says]) =>
      codeIn(says!)
        .filter((code) => /^\.\w+$/.test(code))
        .filter((code) => !within(at(paths(fields!)[0]!.split('.')[0]!), code.slice(1))),
    );
    expect(missing).toEqual([]);
  });

  it('has no field that the page does not list', () => {
    const named = new Set(rows.flatMap(([fields]) => paths(fields!).map((path) => path.split('.')[0])));
    expect(Object.keys(result).filter((key) => !named.has(key))).toEqual([]);
    for (const group of ['winRate', 'score', 'incorporated', 'ranking', 'kl']) {
      const listedKeys = rows.flatMap(([fields, says]) => [
        ...paths(fields!).map((path) => path.split('.')),
        ...codeIn(says!).map((code) => [group, code.replace('.', '')]),
      ]);
      const keys = listedKeys.filter(([first]) => first === group).map(([, key]) => key);
      expect(
        Object.keys(result[group] as object).filter((key) => !keys.includes(key)),
        group,
      ).toEqual([]);
    }
  });

  it('writes the tables that the page lists for its folder, and no others', () => {
    const block = readFileSync(PAGE, 'utf8').match(/^checkpoints\/[\s\S]*?^```/m)![0];
    for (const folder of ['heldout', 'round-1']) {
      const line = block.match(new RegExp(`${folder}/\\*\\.arrow\\s+(.*)`))![1]!;
      const names = line
        .replace(/\([^()]*\)/g, '')
        .split(/[,;]/)
        .map((word) => word.replace(/^\s*then /, '').trim());
      const own = written
        .filter((path) => path.startsWith(`${folder}/`) && path.endsWith('.arrow'))
        .map((path) => path.slice(folder.length + 1, -'.arrow'.length));
      expect(own.toSorted(), folder).toEqual(names.toSorted());
    }
    const others = ['manifest.json', 'report.html', 'result.json', 'round-1/finetuned'];
    expect(written).toEqual(expect.arrayContaining(others));
  });
});
