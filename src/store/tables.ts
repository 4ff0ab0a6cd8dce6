/**
 * Tables with a fixed schema as Arrow IPC files. They are written in the file format, uncompressed, as one record batch, without
 * dictionaries, which pandas, polars, pyarrow and DuckDB read as they are; and read however these write them. A table that comes in is
 * not trusted: every value that `readTable` returns was checked. Only columns whose kind ends in "?" hold nulls.
 */
import * as arrow from 'apache-arrow';
import { ArrowFault } from './arrow/flatbuffer.js';
import { readColumns } from './arrow/read.js';
import { type Field, typeName } from './arrow/schema.js';
import { writeFileAtomic } from './atomic.js';
import { type Cells, COLUMNS, type ColumnKind, finiteEnough } from './column-kinds.js';
import { UserError } from './errors.js';
import { readBytes } from './read-bytes.js';
import { oneLine } from './read-json.js';

export type TableSchema = Readonly<Record<string, ColumnKind>>;
type ReadCell<K extends ColumnKind> = K extends 'list<utf8>'
  ? string[]
  : Cells[K] extends ArrayLike<number>
    ? number[]
    : Cells[K];

/** What `writeTable` takes for a row, and what `readTable` gives. */
export type RowOf<S extends TableSchema> = { [C in keyof S]: Cells[S[C]] };
export type ReadRowOf<S extends TableSchema> = { [C in keyof S]: ReadCell<S[C]> };

/** The items of all lists, one after another. */
function itemData(type: arrow.DataType, lists: readonly ArrayLike<unknown>[], length: number): arrow.Data {
  // vectorFromArray takes no values at all for a column of nulls.
  if (length === 0) return arrow.makeData({ type, length, nullCount: 0 } as never);
  if (arrow.DataType.isUtf8(type)) {
    const items = lists.flatMap((list) => Array.from(list));
    return arrow.vectorFromArray(items, type).data[0] as unknown as arrow.Data;
  }
  const data = arrow.DataType.isInt(type) ? new Int32Array(length) : new Float32Array(length);
  let next = 0;
  for (const list of lists) {
    data.set(list as ArrayLike<number>, next);
    next += list.length;
  }
  return arrow.makeData({ type, length, nullCount: 0, data } as never);
}

/** One column's values as an Arrow vector; lists are flattened by hand, arrow's builder is slow at them. */
function toVector(kind: ColumnKind, values: readonly unknown[]): arrow.Vector {
  const { type } = COLUMNS[kind];
  if (!(type instanceof arrow.List)) return arrow.vectorFromArray(values, type);
  const lists = values as ArrayLike<unknown>[];
  const valueOffsets = new Int32Array(lists.length + 1);
  lists.forEach((list, row) => {
    valueOffsets[row + 1] = valueOffsets[row]! + list.length;
  });
  const itemType = type.children[0]!.type as arrow.DataType;
  const child = itemData(itemType, lists, valueOffsets[lists.length]!);
  return arrow.makeVector(
    arrow.makeData({ type, length: lists.length, nullCount: 0, valueOffsets, child } as never),
  ) as unknown as arrow.Vector;
}

/**
 * Writes `rows` to `path`, whole or not at all. @throws TypeError naming row and column for a value that its column
 * cannot hold (a bug of the caller); UserError for system errors.
 */
export async function writeTable<S extends TableSchema>(
  path: string,
  schema: S,
  rows: readonly RowOf<S>[],
): Promise<void> {
  const names = Object.keys(schema);
  for (const [index, row] of rows.entries()) {
    for (const name of names) {
      if (!COLUMNS[schema[name]!].holds(row[name])) {
        throw new TypeError(
          `${path}: row ${index}, column ${name}: ${String(row[name])} is not ${schema[name]}`,
        );
      }
    }
  }
  const fields = names.map((name) => {
    const { type, nullable = false } = COLUMNS[schema[name]!];
    return new arrow.Field(name, type, nullable);
  });
  const vectors = names.map((name) => [
    name,
    toVector(
      schema[name]!,
      rows.map((row) => row[name]),
    ),
  ]);
  const arrowSchema = new arrow.Schema(fields);
  const table =
    rows.length > 0
      ? new arrow.Table(arrowSchema, Object.fromEntries(vectors))
      : new arrow.Table(arrowSchema);
  await writeFileAtomic(path, arrow.tableToIPC(table, 'file'));
}

/**
 * Reads the columns of `schema`, by whomever they were written; others are ignored. @throws UserError for a file that cannot be read, and
 * naming the column for one that is missing, or of another kind, and the row for a cell without a value, one that its column cannot hold,
 * and one whose key is not new
 */
export async function readTable<S extends TableSchema>(path: string, schema: S): Promise<ReadRowOf<S>[]> {
  const bytes = await readBytes(path);
  try {
    const { rows, values } = await readColumns(bytes, (fields) => columnsOf(fields, schema));
    const table = Array.from({ length: rows }, () => ({}) as Record<string, unknown>);
    for (const [name, kind] of Object.entries(schema)) {
      const { holds, nullable, absent } = COLUMNS[kind];
      const cells = values.get(name) ?? table.map(() => absent!());
      cells.forEach((cell, row) => {
        const where = () => `row ${row}, column "${name}"`;
        if (cell === null && !nullable) throw new ArrowFault(`${where()}: it has no value (null)`);
        if (!holds(cell)) throw new ArrowFault(`${where()}: ${shown(cell)} is not ${kind}`);
        if (!finiteEnough(kind, cell)) throw new ArrowFault(`${where()}: ${shown(cell)} is no finite number`);
        table[row]![name] = cell;
      });
    }
    checkKeys(table, schema);
    return table as ReadRowOf<S>[];
  } catch (error) {
    if (error instanceof ArrowFault) throw new UserError(`${path}: ${oneLine(error.message)}`);
    throw error;
  }
}

/** A cell for an error. */
const shown = (cell: unknown) => oneLine(typeof cell === 'string' ? `"${cell}"` : String(cell)).slice(0, 80);

/** Those of a file that are the schema's. */
function columnsOf(fields: readonly Field[], schema: TableSchema): Field[] {
  return Object.entries(schema).flatMap(([name, kind]) => {
    const [field, twice] = fields.filter((of) => of.name === name);
    if (!field && COLUMNS[kind].absent) return [];
    if (!field) throw new ArrowFault(`it has no column "${name}" (it should be ${kind})`);
    if (twice) throw new ArrowFault(`it has two columns "${name}"`);
    const { reads, how } = COLUMNS[kind];
    if (!reads(field))
      throw new ArrowFault(
        `column "${name}" is ${typeName(field)}, it should be ${kind}; in pandas: df["${name}"] = df["${name}"]${how}`,
      );
    return field;
  });
}

/** That no two rows have one key, and numbers in keys go from 0 without a gap. @throws ArrowFault naming the rows */
function checkKeys(table: readonly Record<string, unknown>[], schema: TableSchema): void {
  const keys = Object.keys(schema).filter((name) => schema[name]!.startsWith('key<'));
  if (keys.length === 0) return;
  const number = keys.find((name) => schema[name] === 'key<int32>');
  const named = (row: Record<string, unknown>, names: readonly string[]) =>
    names.map((name) => `${name} ${shown(row[name])}`).join(', ');
  const seen = new Map<string, number>();
  const groups = new Map<string, { first: number; rows: number; largest: number }>();
  table.forEach((row, i) => {
    const key = JSON.stringify(keys.map((name) => row[name]));
    const before = seen.get(key);
    if (before !== undefined)
      throw new ArrowFault(`rows ${before} and ${i} are both of ${named(row, keys)}; give one`);
    seen.set(key, i);
    if (number === undefined) return;
    const of = JSON.stringify(keys.filter((name) => name !== number).map((name) => row[name]));
    const group = groups.get(of) ?? { first: i, rows: 0, largest: 0 };
    groups.set(of, group);
    const value = row[number] as number;
    if (value < 0) throw new ArrowFault(`row ${i}: ${named(row, keys)} is below 0`);
    group.rows += 1;
    if (value > group.largest) Object.assign(group, { first: i, largest: value });
  });
  for (const { first, rows, largest } of groups.values())
    if (largest !== rows - 1)
      throw new ArrowFault(
        `row ${first} is of ${named(table[first]!, keys)}, but there are ${rows} such rows: ${number} must be 0 to ${rows - 1}`,
      );
}
