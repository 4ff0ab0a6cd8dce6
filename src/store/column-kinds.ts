/** The kinds of columns that tables have: how a file holds one, which cells it takes, and what else may be read as one. */
import * as arrow from 'apache-arrow';
import type { Field } from './arrow/schema.js';

/** What a column of each kind takes; reading gives the same with number[] and string[] for lists. Numbers are finite. */
export interface Cells {
  utf8: string;
  /** A part of the table's key, which is unique. */
  'key<utf8>': string;
  /** The last part of the key: 0 to N − 1 among the rows that have its other parts in common. */
  'key<int32>': number;
  /** Empty where a file has no such column. */
  'optional utf8': string;
  'optional list<int32>': ArrayLike<number>;
  bool: boolean;
  int32: number;
  float32: number;
  float64: number;
  'float64?': number | null;
  /** What an estimate and its interval may be. */
  'float64 or infinite': number;
  'list<int32>': ArrayLike<number>;
  'list<float32>': ArrayLike<number>;
  'list<utf8>': readonly string[];
}
export type ColumnKind = keyof Cells;

export interface Column {
  /** As it is written. */
  type: arrow.DataType;
  nullable?: true;
  /** The cells of a column that a file need not have. */
  absent?: () => unknown;
  /** What other programs' types are read as it. */
  reads: (field: Field) => boolean;
  /** True for a value that the column represents exactly (floats: up to rounding). */
  holds(value: unknown): boolean;
  /** How a column comes to be of this kind in pandas, behind `df[name]`. */
  how: string;
}

const isNumber = (value: unknown): value is number => typeof value === 'number';
const isString = (value: unknown): value is string => typeof value === 'string';
const isInt32 = (value: unknown): boolean => isNumber(value) && (value | 0) === value;

const oneOf =
  (...types: readonly string[]) =>
  ({ type }: Field) =>
    types.includes(type);
const isText = oneOf('utf8', 'large_utf8', 'utf8_view');
const isInt = oneOf('int');
/** Numbers without a point are written as integers by some. */
const isReal = (field: Field) => isInt(field) || (field.type === 'float' && field.bits >= 32);
/** Where every value is null, or every list empty, nobody knows of what type they were. */
const isNull = oneOf('null');

const utf8: Column = { type: new arrow.Utf8(), reads: isText, holds: isString, how: '.astype(str)' };
const int32: Column = { type: new arrow.Int32(), reads: isInt, holds: isInt32, how: '.astype("int32")' };
const float64: Column = {
  type: new arrow.Float64(),
  reads: isReal,
  holds: isNumber,
  how: '.astype("float64")',
};
const float32: Column = { ...float64, type: new arrow.Float32() };

function listOf(item: Column): Column {
  const isList = oneOf('list', 'large_list', 'fixed_size_list');
  return {
    type: new arrow.List(new arrow.Field('item', item.type, false)),
    reads: (field) =>
      isList(field) && !field.dictionary && field.children.every((of) => item.reads(of) || isNull(of)),
    holds: (value) =>
      typeof value === 'object' &&
      value !== null &&
      'length' in value &&
      (Array.isArray(value) ? value : Array.from(value as [])).every(item.holds),
    how: '.map(list)',
  };
}

export const COLUMNS: Record<ColumnKind, Column> = {
  utf8,
  'key<utf8>': utf8,
  'key<int32>': int32,
  'optional utf8': { ...utf8, absent: () => '' },
  'optional list<int32>': { ...listOf(int32), absent: () => [] },
  bool: {
    type: new arrow.Bool(),
    reads: oneOf('bool'),
    holds: (value) => typeof value === 'boolean',
    how: '.astype(bool)',
  },
  int32,
  float32,
  float64,
  'float64 or infinite': float64,
  'float64?': {
    ...float64,
    nullable: true,
    reads: (field) => isReal(field) || isNull(field),
    holds: (value) => value === null || isNumber(value),
  },
  'list<int32>': listOf(int32),
  'list<float32>': listOf(float32),
  'list<utf8>': listOf(utf8),
};

/** Whether a cell that `holds` is a number that a table may come in with: not NaN, and infinite only where its kind says so. */
export function finiteEnough(kind: ColumnKind, cell: unknown): boolean {
  if (Array.isArray(cell)) return cell.every((item) => finiteEnough(kind, item));
  if (!isNumber(cell)) return true;
  return kind === 'float64 or infinite' ? !Number.isNaN(cell) : Number.isFinite(cell);
}
