// Tables as other programs write them, and files that claim what they do not hold.
import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as arrow from 'apache-arrow';
import { describe, expect, it } from 'vitest';
import { decompressor } from '../../../src/store/arrow/compression.js';
import { readColumns } from '../../../src/store/arrow/read.js';
import { UserError } from '../../../src/store/errors.js';
import { readTable, type TableSchema, writeTable } from '../../../src/store/tables.js';
import { mutated, seeded } from '../../fuzz/mutate.js';
import { scratchFolder } from '../folder.js';
import { golden, goldens, schema, table } from './goldens.js';

/** "Ines " a hundred times, by pyarrow.CompressedOutputStream. */
const ZSTD_STREAM = '28b52ffd004865000028496e6573200100ec508b16';

const scratch = scratchFolder();

/** A file of these bytes. */
function file(bytes: Uint8Array, name = 'some.arrow'): string {
  const path = join(scratch, name);
  writeFileSync(path, bytes);
  return path;
}

describe('what pandas, polars and pyarrow write', () => {
  it('has every encoding', () => expect(goldens.length).toBeGreaterThanOrEqual(17));

  it.each(goldens)('%s is read as what it is', async (name) => {
    expect(await readTable(golden(name), schema)).toEqual(table);
  });

  it('columns without a value have no type; they are read where that may be', async () => {
    const rows = await readTable(golden('pandas-empty'), schema);
    expect(rows).toEqual(table.map((row) => ({ ...row, ids: [], logprob: null })));
    await expect(readTable(golden('pandas-empty'), { logprob: 'float64' })).rejects.toThrow(
      /column "logprob" is null, it should be float64; in pandas: df\["logprob"\]/,
    );
  });

  it('numbers may be at any place', async () => {
    for (const name of ['plain', 'large', 'views']) {
      const bytes = Buffer.concat([Buffer.from('x'), readFileSync(golden(name))]).subarray(1);
      const { values } = await readColumns(bytes, (fields) => fields.filter(({ name: of }) => of in schema));
      for (const column of Object.keys(schema))
        expect(values.get(column)).toEqual(table.map((row) => row[column]));
    }
  });

  it('a pipe is a file', async () => {
    const path = join(scratch, 'pipe');
    await new Promise((done) => execFile('mkfifo', [path], done));
    execFile('sh', ['-c', `cat '${golden('stream')}' > '${path}'`]);
    expect(await readTable(path, schema)).toEqual(table);
  });

  it('names what it is that cannot be read, and how to write it', async () => {
    const refused = async (name: string, of: TableSchema, message: RegExp) =>
      expect(readTable(golden(name), of)).rejects.toThrow(message);
    await refused(
      'feather-1',
      schema,
      /feather-1\.arrow: it is Feather of version 1; write it as Arrow IPC: df\.to_feather/,
    );
    await refused(
      'times',
      { context: 'utf8' },
      /column "context" is timestamp, it should be utf8; in pandas: .*astype\(str\)/,
    );
    await refused('times', { half: 'float64' }, /column "half" is float16, .*astype\("float64"\)/);
    await refused('plain', { text: 'int32' }, /column "text" is utf8, it should be int32/);
    await refused('dictionary', { text: 'bool' }, /column "text" is dictionary<utf8>/);
    await expect(readTable(file(Buffer.from('PAR1……PAR1')), schema)).rejects.toThrow(
      /it is a Parquet file; write it/,
    );
    await expect(readTable(file(Buffer.from('context,text\n')), schema)).rejects.toThrow(
      /not an Arrow IPC file; write/,
    );
  });
});

describe('keys', () => {
  const keyed = { context: 'key<utf8>', candidate: 'key<int32>' } as const;
  const read = async (...rows: [string, number][]) => {
    const path = join(scratch, 'keyed.arrow');
    await writeTable(
      path,
      keyed,
      rows.map(([context, candidate]) => ({ context, candidate })),
    );
    return readTable(path, keyed);
  };

  it('come in any order', async () => {
    expect(await read(['b', 1], ['a', 2], ['b', 0], ['a', 0], ['a', 1])).toHaveLength(5);
  });

  it.each([
    [
      'twice',
      /rows 1 and 2 are both of context "a", candidate 0/,
      [
        ['b', 0],
        ['a', 0],
        ['a', 0],
      ],
    ],
    [
      'from 1',
      /row 1 is of context "a", candidate 2, but there are 2 such rows: candidate must be 0 to 1/,
      [
        ['a', 1],
        ['a', 2],
      ],
    ],
    [
      'with a gap',
      /row 2 is of context "b", candidate 2/,
      [
        ['a', 0],
        ['b', 0],
        ['b', 2],
      ],
    ],
    [
      'below 0',
      /row 0: context "a", candidate -1 is below 0/,
      [
        ['a', -1],
        ['a', 0],
      ],
    ],
  ] as [string, RegExp, [string, number][]][])('%s: refused by name', async (_, message, rows) => {
    await expect(read(...rows)).rejects.toThrow(message);
  });

  it('of texts alone are unique', async () => {
    const path = join(scratch, 'unique.arrow');
    await writeTable(path, { context: 'utf8' }, [{ context: 'a' }, { context: 'a' }]);
    await expect(readTable(path, { context: 'key<utf8>' })).rejects.toThrow(
      /rows 0 and 1 are both of context "a"/,
    );
  });
});

describe('cells', () => {
  it.each([
    ['NaN', /row 1, column "x": NaN is no finite number/, 'float64', Number.NaN],
    ['infinite', /row 1, column "x": -Infinity is no finite/, 'float64?', Number.NEGATIVE_INFINITY],
    ['NaN where infinities may be', /row 1, column "x": NaN is no/, 'float64 or infinite', Number.NaN],
    ['NaN in a list', /row 1, column "x": 1,NaN is no finite/, 'list<float32>', [1, Number.NaN]],
  ] as const)('%s: refused, with its row', async (_, message, kind, cell) => {
    const path = join(scratch, 'cell.arrow');
    await writeTable(path, { x: kind }, [{ x: Array.isArray(cell) ? [] : 0 }, { x: cell }] as never);
    await expect(readTable(path, { x: kind } as TableSchema)).rejects.toThrow(message);
  });

  it('a null in a dictionary has no value', async () => {
    const texts = arrow.vectorFromArray(
      ['a', null, 'b'],
      new arrow.Dictionary(new arrow.Utf8(), new arrow.Int8()),
    );
    const path = file(arrow.tableToIPC(new arrow.Table({ x: texts }), 'file'));
    await expect(readTable(path, { x: 'utf8' })).rejects.toThrow(/row 1, column "x": it has no value/);
  });

  it('an integer that is too large, and a null in a list: refused, with the row', async () => {
    const of = (values: arrow.Vector) => file(arrow.tableToIPC(new arrow.Table({ x: values }), 'file'));
    const large = arrow.vectorFromArray([1n, 2n ** 31n], new arrow.Int64());
    await expect(readTable(of(large), { x: 'int32' })).rejects.toThrow(
      /row 1, column "x": 2147483648 is not int32/,
    );
    const list = new arrow.List(new arrow.Field('item', new arrow.Int32(), true));
    const nulls = arrow.vectorFromArray([[1], [2, null]], list);
    await expect(readTable(of(nulls), { x: 'list<int32>' })).rejects.toThrow(
      /row 1, column "x": .* is not list<int32>/,
    );
  });
});

describe('files that claim more than they hold', () => {
  /** The plain table with the 64-bit number `before` set, wherever its batch has it. */
  const claiming = (before: bigint, after: bigint, name = 'plain') => {
    const bytes = Uint8Array.from(readFileSync(golden(name)));
    const data = new DataView(bytes.buffer);
    for (let at = 0; at + 8 <= bytes.length; at += 8)
      if (data.getBigInt64(at, true) === before) data.setBigInt64(at, after, true);
    return file(bytes);
  };

  it.each([60_000_000n, 2_000_000_000n, 2n ** 53n, -1n])('%s rows: one line, no memory', async (rows) => {
    const before = process.memoryUsage().rss;
    await expect(readTable(claiming(6n, rows), schema)).rejects.toThrow(/it is damaged|it claims/);
    expect(process.memoryUsage().rss - before).toBeLessThan(1e8);
  });

  it('rows of nulls, which have no buffers', async () => {
    const nulls = arrow.vectorFromArray([null, null, null, null, null, null, null], new arrow.Null());
    const bytes = arrow.tableToIPC(new arrow.Table({ x: nulls }), 'file');
    const data = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (let at = 0; at + 8 <= bytes.length; at += 8)
      if (data.getBigInt64(at, true) === 7n) data.setBigInt64(at, 2_000_000_000n, true);
    await expect(readTable(file(bytes), { x: 'float64?' })).rejects.toThrow(/claims 2000000000 rows/);
  });

  it('compressed buffers: of more than the file can stand for, or of another length than they say', async () => {
    for (const name of ['lz4', 'zstd'])
      for (const [length, message] of [
        [2n ** 40n, /bytes claim to hold far more than they can/],
        [400n, /it is damaged/],
        [300n, /it is damaged/],
      ] as const)
        await expect(readTable(claiming(BigInt(textBytes), length, name), schema)).rejects.toThrow(message);
  });

  it('zstd that does not say how long it is, as streams write it', async () => {
    const frame = Buffer.from(ZSTD_STREAM, 'hex');
    const decompress = (await decompressor(new Set(['zstd'])))('zstd');
    expect(Buffer.from(decompress(frame, 500)).toString()).toBe('Ines '.repeat(100));
    for (const length of [0, 499, 501, 2 ** 31]) expect(() => decompress(frame, length)).toThrow(/damaged/);
  });

  /** Of all texts of the table. */
  const textBytes = Buffer.byteLength(table.map(({ text }) => text).join(''));

  it('a batch that is no batch, which apache-arrow reads for ever', async () => {
    const bytes = Uint8Array.from(readFileSync(golden('plain')));
    const data = new DataView(bytes.buffer);
    // After the magic a message with the schema, which has no body; then the batch.
    const message = 16 + data.getInt32(12, true) + 8;
    const root = message + data.getUint32(message, true);
    const names = root - data.getInt32(root, true);
    // The second field of a message: of what kind it is.
    bytes[root + data.getUint16(names + 6, true)] = 0;
    await expect(readTable(file(bytes), schema)).rejects.toThrow(
      /its footer points at something that is no batch/,
    );
  });

  it('a stream without its end, or with something after it', async () => {
    const bytes = readFileSync(golden('stream'));
    await expect(readTable(file(bytes.subarray(0, -8)), schema)).rejects.toThrow(
      /not a whole Arrow IPC stream/,
    );
    await expect(readTable(file(Buffer.concat([bytes, bytes])), schema)).rejects.toThrow(
      /something after its end/,
    );
  });

  it('/dev/zero ends', async () => {
    await expect(readTable('/dev/zero', schema)).rejects.toThrow(/cannot read \/dev\/zero: it has more than/);
  });
});

describe('mutations of good files', () => {
  it.each(goldens)('%s: a table or one line, soon', async (name) => {
    const good = readFileSync(golden(name));
    const random = seeded(name.length + good.length);
    const started = performance.now();
    for (let i = 0; i < 60; i++) {
      const path = file(mutated(good, random), 'mutated.arrow');
      const read = await readTable(path, schema).catch((error: unknown) => error);
      if (Array.isArray(read)) continue;
      expect(read, `mutation ${i}`).toBeInstanceOf(UserError);
      expect((read as Error).message).not.toMatch(/\n/);
    }
    expect(performance.now() - started).toBeLessThan(10_000);
  });
});
