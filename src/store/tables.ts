/**
 * Tables with a fixed schema as Arrow IPC files (the file format, uncompressed, one record batch, no dictionaries),
 * which pandas, polars, pyarrow and DuckDB read as they are. Only columns whose kind ends in "?" hold nulls.
 */
import { readFile } from 'node:fs/promises';
import * as arrow from 'apache-arrow';
import { writeFileAtomic } from './atomic.js';
import { asUserError, UserError } from './errors.js';
import { oneLine } from './read-json.js';

/** What a column of each kind takes; reading gives the same with number[] and string[] for lists. */
interface Cells {
  utf8: string;
  bool: boolean;
  int32: number;
  float32: number;
  float64: number;
  'float64?': number | null;
  'list<int32>': ArrayLike<number>;
  'list<float32>': ArrayLike<number>;
  'list<utf8>': readonly string[];
}
export type ColumnKind = keyof Cells;
export type TableSchema = Readonly<Record<string, ColumnKind>>;
type ReadCell<K extends ColumnKind> = K extends 'list<utf8>'
  ? string[]
  : Cells[K] extends ArrayLike<number>
    ? number[]
    : Cells[K];

/** What `writeTable` takes for a row, and what `readTable` gives. */
export type RowOf<S extends TableSchema> = { [C in keyof S]: Cells[S[C]] };
export type ReadRowOf<S extends TableSchema> = { [C in keyof S]: ReadCell<S[C]> };

const isNumber = (value: unknown): value is number => typeof value === 'number';
const isString = (value: unknown): value is string => typeof value === 'string';
const isInt32 = (value: unknown): boolean => isNumber(value) && (value | 0) === value;

interface Column {
  type: arrow.DataType;
  nullable?: true;
  /** True for a value that the column represents exactly (floats: up to rounding). */
  holds(value: unknown): boolean;
}

function listOf(type: arrow.DataType, holds: (value: unknown) => boolean): Column {
  return {
    type: new arrow.List(new arrow.Field('item', type, false)),
    holds: (value) =>
      typeof value === 'object' &&
      value !== null &&
      'length' in value &&
      Array.from(value as []).every(holds),
  };
}

const COLUMNS: Record<ColumnKind, Column> = {
  utf8: { type: new arrow.Utf8(), holds: isString },
  bool: { type: new arrow.Bool(), holds: (value) => typeof value === 'boolean' },
  int32: { type: new arrow.Int32(), holds: isInt32 },
  float32: { type: new arrow.Float32(), holds: isNumber },
  float64: { type: new arrow.Float64(), holds: isNumber },
  'float64?': {
    type: new arrow.Float64(),
    nullable: true,
    holds: (value) => value === null || isNumber(value),
  },
  'list<int32>': listOf(new arrow.Int32(), isInt32),
  'list<float32>': listOf(new arrow.Float32(), isNumber),
  'list<utf8>': listOf(new arrow.Utf8(), isString),
};

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

/** The file format starts and ends with this; a file that was cut off does not. */
const MAGIC = 'ARROW1';

async function readArrow(path: string): Promise<arrow.Table> {
  let bytes: Buffer;
  try {
    bytes = await readFile(path);
  } catch (error) {
    throw asUserError(error, 'read', path);
  }
  const start = bytes.toString('latin1', 0, MAGIC.length);
  if (start !== MAGIC) throw new UserError(`${path} is not an Arrow IPC file`);
  const end = bytes.toString('latin1', bytes.length - MAGIC.length);
  if (end !== MAGIC) throw new UserError(`${path} is not a whole Arrow IPC file: its end is missing`);
  try {
    return arrow.tableFromIPC(bytes);
  } catch (error) {
    throw new UserError(`${path} is not a valid Arrow IPC file: ${oneLine((error as Error).message)}`);
  }
}

/**
 * Reads the columns of `schema`; others are ignored. @throws UserError for a file that cannot be read, and naming the
 * column for one that is missing, of another kind, or has nulls.
 */
export async function readTable<S extends TableSchema>(path: string, schema: S): Promise<ReadRowOf<S>[]> {
  const table = await readArrow(path);
  const rows = Array.from({ length: table.numRows }, () => ({}) as Record<string, unknown>);
  for (const [name, kind] of Object.entries(schema)) {
    const column = table.getChild(name);
    if (column === null) throw new UserError(`${path} has no column "${name}" (it should be ${kind})`);
    const { type, nullable } = COLUMNS[kind];
    if (!sameType(column.type, type)) {
      throw new UserError(`${path}: column "${name}" is ${column.type}, it should be ${kind}`);
    }
    if (column.nullCount > 0 && !nullable)
      throw new UserError(`${path}: column "${name}" has ${column.nullCount} nulls`);
    for (const [row, cells] of rows.entries()) {
      const value: unknown = column.get(row);
      // toArray gives a typed array where the items are numbers: much faster than the iterator.
      cells[name] = value instanceof arrow.Vector ? Array.from(value.toArray()) : value;
    }
  }
  return rows as ReadRowOf<S>[];
}

/** Equal up to the names and the nullability of list items, which writers choose differently. */
function sameType(a: arrow.DataType, b: arrow.DataType): boolean {
  if (a instanceof arrow.List && b instanceof arrow.List) {
    return sameType(a.children[0]!.type as arrow.DataType, b.children[0]!.type as arrow.DataType);
  }
  return String(a) === String(b);
}
