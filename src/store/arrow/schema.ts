/** The columns of an Arrow file and their types, as its schema has them. https://arrow.apache.org/docs/format/Columnar.html */
import { ArrowFault, type FlatTable } from './flatbuffer.js';

/** What a type is called, and how many buffers a column of it has, those of its children apart. By the type's number. */
const TYPES: Record<number, { name: string; buffers: number }> = {
  1: { name: 'null', buffers: 0 },
  2: { name: 'int', buffers: 2 },
  3: { name: 'float', buffers: 2 },
  4: { name: 'binary', buffers: 3 },
  5: { name: 'utf8', buffers: 3 },
  6: { name: 'bool', buffers: 2 },
  7: { name: 'decimal', buffers: 2 },
  8: { name: 'date', buffers: 2 },
  9: { name: 'time', buffers: 2 },
  10: { name: 'timestamp', buffers: 2 },
  11: { name: 'interval', buffers: 2 },
  12: { name: 'list', buffers: 2 },
  13: { name: 'struct', buffers: 1 },
  14: { name: 'union', buffers: 1 },
  15: { name: 'fixed_size_binary', buffers: 2 },
  16: { name: 'fixed_size_list', buffers: 1 },
  17: { name: 'map', buffers: 2 },
  18: { name: 'duration', buffers: 2 },
  19: { name: 'large_binary', buffers: 3 },
  20: { name: 'large_utf8', buffers: 3 },
  21: { name: 'large_list', buffers: 2 },
  22: { name: 'run_end_encoded', buffers: 0 },
  23: { name: 'binary_view', buffers: 2 },
  24: { name: 'utf8_view', buffers: 2 },
  25: { name: 'list_view', buffers: 3 },
  26: { name: 'large_list_view', buffers: 3 },
};

export interface Field {
  name: string;
  /** "utf8", "int", as in `TYPES`. */
  type: string;
  buffers: number;
  /** Of an int or float. */
  bits: number;
  signed: boolean;
  /** Items of a row of a fixed_size_list. */
  size: number;
  children: Field[];
  /** Where the column holds indices of a dictionary of such values. */
  dictionary?: { id: number; indices: Field };
}

/** More columns, or deeper ones, are a mistake. */
const MOST_FIELDS = 2000;
const DEEPEST = 16;

/** Of the first version of the format that nobody changed since: Arrow 0.8, of 2017. */
const FIRST_VERSION = 3;
const LAST_VERSION = 4;

/** @throws ArrowFault for a format that is older, or newer than what is known here */
export function checkVersion(version: number): number {
  if (version < FIRST_VERSION || version > LAST_VERSION)
    throw new ArrowFault(`it has version ${version + 1} of the Arrow format; versions 4 and 5 are read`);
  return version;
}

export function readSchema(schema: FlatTable | undefined, version: number): Field[] {
  if (!schema) throw new ArrowFault('it has no schema');
  if (schema.int16(0) !== 0) throw new ArrowFault('it is big-endian; write it on a little-endian machine');
  let known = 0;
  const read = (table: FlatTable, depth: number): Field => {
    known += 1;
    if (known > MOST_FIELDS || depth > DEEPEST)
      throw new ArrowFault(`it has more than ${MOST_FIELDS} columns, or deeper ones than ${DEEPEST} levels`);
    const children = list(table.tables(5), depth + 1);
    const field = toField(table.string(0), table.uint8(2), table.table(3), children, version);
    const encoding = table.table(4);
    if (!encoding) return field;
    const indices = toField('', 2, encoding.table(1), [], version);
    // Where nothing is said they are int32.
    if (!encoding.table(1)) Object.assign(indices, { bits: 32, signed: true });
    return { ...field, dictionary: { id: encoding.count(0), indices } };
  };
  const list = ({ length, get }: { length: number; get(index: number): FlatTable }, depth: number) =>
    Array.from({ length: Math.min(length, MOST_FIELDS + 1) }, (_, i) => read(get(i), depth));
  return list(schema.tables(1), 0);
}

function toField(
  name: string,
  id: number,
  type: FlatTable | undefined,
  children: Field[],
  version: number,
): Field {
  const kind = TYPES[id];
  if (!kind) throw new ArrowFault(`column "${name}" has a type that is not known here (number ${id})`);
  const field = { name, type: kind.name, buffers: kind.buffers, bits: 0, signed: false, size: 0, children };
  switch (kind.name) {
    case 'int':
      return { ...field, bits: type?.int32(0) ?? 0, signed: type?.bool(1) ?? false };
    case 'float':
      return { ...field, bits: 16 << (type?.int16(0) ?? 0) };
    case 'fixed_size_list':
      return { ...field, size: type?.int32(0) ?? 0 };
    case 'union':
      return { ...field, buffers: 1 + (type?.int16(0) === 1 ? 1 : 0) + (version === FIRST_VERSION ? 1 : 0) };
    default:
      return field;
  }
}

/** A column's type for people, in pyarrow's words: "large_utf8", "list<int64>", "dictionary<utf8>". */
export function typeName({ type, bits, signed, children, dictionary }: Field): string {
  const name = type === 'int' ? `${signed ? '' : 'u'}int${bits}` : type === 'float' ? `float${bits}` : type;
  const full = children.length > 0 ? `${name}<${children.map(typeName).join(', ')}>` : name;
  return dictionary ? `dictionary<${full}>` : full;
}
