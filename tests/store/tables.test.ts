import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as arrow from 'apache-arrow';
import { describe, expect, it } from 'vitest';
import { UserError } from '../../src/store/errors.js';
import { readTable, writeTable } from '../../src/store/tables.js';
import { scratchFolder } from './folder.js';

const scratch = scratchFolder();
const schema = {
  id: 'utf8',
  selected: 'bool',
  tokens: 'int32',
  kl: 'float32',
  score: 'float64 or infinite',
  ids: 'list<int32>',
  logprobs: 'list<float32>',
  prompts: 'list<utf8>',
} as const;
const rows = [
  {
    id: 'post 1',
    selected: true,
    tokens: -(2 ** 31),
    kl: 0.5,
    score: 0.1,
    ids: [1, 2, 3],
    logprobs: [-0.25, -1.5],
    prompts: ['a', ''],
  },
  {
    id: '',
    selected: false,
    tokens: 2 ** 31 - 1,
    kl: -0.25,
    score: -0,
    ids: [],
    logprobs: Float32Array.of(0.1),
    prompts: [],
  },
  {
    id: '漢字 🙂\n\u0000',
    selected: true,
    tokens: 0,
    kl: 1.5,
    score: -Infinity,
    ids: new Int32Array(2),
    logprobs: [],
    prompts: ['🙂'],
  },
];

describe('round trip', () => {
  it('gives back every value', async () => {
    const path = join(scratch, 'all.arrow');
    await writeTable(path, schema, rows);
    const expected = rows.map((row) => ({ ...row, ids: [...row.ids], logprobs: [...row.logprobs] }));
    expect(await readTable(path, schema)).toEqual(expected);
    expect(await readTable(path, { score: 'float64 or infinite' })).toEqual(
      rows.map(({ score }) => ({ score })),
    );
  });

  it('is a plain Arrow file: no dictionaries, no nullable columns, the same bytes twice', async () => {
    const path = join(scratch, 'plain.arrow');
    await writeTable(path, schema, rows);
    const bytes = await readFile(path);
    await writeTable(path, schema, rows);
    expect(await readFile(path)).toEqual(bytes);
    const { fields } = arrow.tableFromIPC(bytes).schema;
    expect(fields.map((field) => `${field.name}: ${field.type}`)).toEqual([
      'id: Utf8',
      'selected: Bool',
      'tokens: Int32',
      'kl: Float32',
      'score: Float64',
      'ids: List<Int32>',
      'logprobs: List<Float32>',
      'prompts: List<Utf8>',
    ]);
    expect(fields.some((field) => field.nullable)).toBe(false);
  });

  it('holds no rows, and many', async () => {
    const path = join(scratch, 'some.arrow');
    await writeTable(path, schema, []);
    expect(await readTable(path, schema)).toEqual([]);
    const empty = rows.map((row) => ({ ...row, ids: [], logprobs: [], prompts: [] }));
    await writeTable(path, schema, empty);
    expect(await readTable(path, schema)).toEqual(empty);
    const many = Array.from({ length: 5000 }, (_, i) => ({
      ...rows[i % 3]!,
      tokens: i,
      ids: Array(i % 17).fill(i) as number[],
    }));
    await writeTable(path, schema, many);
    const back = await readTable(path, schema);
    expect(back).toHaveLength(5000);
    expect(
      back.every(
        (row, i) => row.tokens === i && row.ids.length === i % 17 && row.ids.every((id) => id === i),
      ),
    ).toBe(true);
  });
});

it.each([
  ['tokens', 1.5],
  ['tokens', 2 ** 31],
  ['id', null],
  ['id', 7],
  ['selected', 'true'],
  ['score', undefined],
  ['ids', [1, Number.NaN]],
  ['ids', 'abc'],
  ['prompts', [1]],
])('refuses to write %s: %s', async (column, value) => {
  const path = join(scratch, 'refused.arrow');
  const bad = writeTable(path, schema, [rows[0]!, { ...rows[1]!, [column]: value } as never]);
  await expect(bad).rejects.toThrow(new RegExp(`row 1, column ${column}: `));
});

describe('files that are not what is asked for', () => {
  it('names the column', async () => {
    const path = join(scratch, 'columns.arrow');
    await writeTable(path, { a: 'int32', l: 'list<int32>' }, [{ a: 1, l: [1] }]);
    await expect(readTable(path, { b: 'int32' })).rejects.toThrow(/columns\.arrow: it has no column "b"/);
    await expect(readTable(path, { a: 'utf8' })).rejects.toThrow(/column "a" is int32, it should be utf8/);
    await expect(readTable(path, { l: 'list<utf8>' })).rejects.toThrow(/column "l" is list<int32>/);
    const nulls = new arrow.Table({ a: arrow.vectorFromArray([1, null], new arrow.Int32()) });
    await writeFile(path, arrow.tableToIPC(nulls, 'file'));
    await expect(readTable(path, { a: 'int32' })).rejects.toThrow(/row 1, column "a": it has no value/);
  });

  it('refuses anything that is not a whole file', async () => {
    const path = join(scratch, 'whole.arrow');
    await writeTable(path, schema, rows);
    const whole = await readFile(path);
    const bad = join(scratch, 'bad.arrow');
    for (let length = 0; length < whole.length; length += 97) {
      await writeFile(bad, whole.subarray(0, length));
      await expect(readTable(bad, schema)).rejects.toThrow(UserError);
    }
    const garbled = Buffer.from(whole).fill(0x5a, 100, whole.length - 50);
    await writeFile(bad, garbled);
    await expect(readTable(bad, schema)).rejects.toThrow(UserError);
    await expect(readTable(join(scratch, 'none.arrow'), schema)).rejects.toThrow(
      /cannot read .*no such file/,
    );
  });
});
