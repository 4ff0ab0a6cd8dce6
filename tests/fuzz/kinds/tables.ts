/** Tables, and a person's own lines of JSON. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readComparisons } from '../../../src/baselines/comparisons-file.js';
import * as tables from '../../../src/pipeline/tables.js';
import { type RowOf, readTable, type TableSchema, writeTable } from '../../../src/store/tables.js';
import { openFileTask } from '../../../src/tasks/file/task.js';
import { scoreFile } from '../../../src/writers/score-file.js';
import type { Example, Kind } from '../kind.js';
import { mutated } from '../mutate.js';
import { mutatedLines } from '../mutate-json.js';
import { filesOf, tinyModel } from './model.js';

/** From the folder that the process was started in. */
const goldens = join('tests', 'store', 'goldens', 'tables');

/** As tests/store/arrow/goldens.ts has it. */
const golden = {
  context: 'key<utf8>',
  candidate: 'key<int32>',
  text: 'utf8',
  ids: 'optional list<int32>',
  logprob: 'float64?',
} as const satisfies TableSchema;

const cells: Record<string, (row: number) => unknown> = {
  utf8: (row) => `a text ${'é'.repeat(row)}`,
  int32: (row) => row,
  bool: (row) => row === 0,
  float32: (row) => row / 2,
  float64: (row) => -row / 3,
  'list<int32>': (row) => [row, 2, 3].slice(row),
  'list<float32>': (row) => [0.5, row],
  'list<utf8>': () => ['a', 'b'],
};

/** Three rows that fit a schema: keys are unique, and candidates from 0. */
function rowsOf<S extends TableSchema>(schema: S): RowOf<S>[] {
  const ofCandidates = Object.values(schema).includes('key<int32>');
  return [0, 1, 2].map((row) => {
    const cell = (kind: string): unknown => {
      if (kind === 'key<utf8>') return ofCandidates ? 'a' : ['a', 'b', 'c'][row];
      if (kind === 'key<int32>') return row;
      return cells[kind.replace(/^optional |\?$| or infinite$/g, '')]!(row);
    };
    return Object.fromEntries(Object.entries(schema).map(([name, kind]) => [name, cell(kind)]));
  }) as RowOf<S>[];
}

const schemas: [string, TableSchema][] = Object.entries(tables).flatMap(([name, of]) =>
  typeof of === 'object' ? [[name, of]] : [],
);

export const arrow: Kind = {
  name: 'arrow',
  share: 22,
  examples: async () => {
    const theirs = readdirSync(goldens)
      .filter((name) => name.endsWith('.arrow'))
      .map(
        (name): Example => ({
          name,
          files: { 'x.arrow': readFileSync(join(goldens, name)) },
          wrong: { 'x.arrow': mutated },
          read: (dir) => readTable(join(dir, 'x.arrow'), golden),
        }),
      );
    const ours = await filesOf(async (dir) => {
      for (const [name, schema] of schemas) await writeTable(join(dir, name), schema, rowsOf(schema));
    });
    return [
      ...theirs,
      ...schemas.map(([name, schema]): Example => {
        const isContexts = schema === tables.contextsTable;
        return {
          name,
          files: { 'x.arrow': ours[name]! },
          wrong: { 'x.arrow': mutated },
          read: (dir) =>
            isContexts ? tables.readContexts(join(dir, 'x.arrow')) : readTable(join(dir, 'x.arrow'), schema),
          ...(isContexts && {
            command: (dir, out) =>
              ['targets', '--kind', 'gold', '--contexts', join(dir, 'x.arrow')].concat(
                '--out',
                join(out, 'o'),
              ),
          }),
        };
      }),
    ];
  },
};

const lines = (...values: unknown[]) =>
  Buffer.from(values.map((value) => `${JSON.stringify(value)}\n`).join(''));

export const jsonl: Kind = {
  name: 'jsonl',
  share: 8,
  examples: async () => {
    const of = (name: string, content: Uint8Array, read: (path: string) => Promise<unknown>): Example => ({
      name,
      files: { 'x.jsonl': content },
      wrong: { 'x.jsonl': mutatedLines },
      read: (dir) => read(join(dir, 'x.jsonl')),
    });
    const model = await tinyModel();
    const texts = lines(
      { prompt: 'a', completion: ' hello' },
      { prompt: 'b\nc', completion: '' },
      { prompt_ids: [1, 2], completion_ids: [3] },
    );
    return [
      of(
        'own contexts',
        lines(
          { context: 'first', output: 'an output', feedback: 'shorter', gold: 'short' },
          { context: 'second\nof two lines' },
          { context: 'third', output: 'x' },
        ),
        openFileTask,
      ),
      of(
        'own comparisons',
        lines({ context: 'a', chosen: 'b', rejected: 'c' }, { context: 'd', chosen: 'e', rejected: 'f' }),
        readComparisons,
      ),
      {
        name: 'texts to score',
        files: { ...model, 'texts.jsonl': texts },
        wrong: { 'texts.jsonl': mutatedLines },
        read: (dir) =>
          scoreFile(
            dir,
            join(dir, 'texts.jsonl'),
            (items) => items,
            () => {},
          ),
        command: (dir) => ['score', '--model', dir, '--data', join(dir, 'texts.jsonl'), '--json', '--quiet'],
      },
    ];
  },
};
