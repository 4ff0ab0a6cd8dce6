/** The values of a batch's columns: strings, numbers, booleans, arrays of them; null where there is none. */
import type { Budget, Decompress } from './compression.js';
import { ArrowFault } from './flatbuffer.js';
import type { Batch } from './messages.js';
import type { Field } from './schema.js';

const INTEGERS = {
  int8: Int8Array,
  int16: Int16Array,
  int32: Int32Array,
  int64: BigInt64Array,
  uint8: Uint8Array,
  uint16: Uint16Array,
  uint32: Uint32Array,
  uint64: BigUint64Array,
} as const;

const TYPES_OF_TEXT = { utf8: Int32Array, large_utf8: BigInt64Array };
const TYPES_OF_LISTS = { list: Int32Array, large_list: BigInt64Array };
/** Of a view: its length, then the text, or 4 bytes of it, the number of its buffer and where it is there. */
const VIEW_BYTES = 16;
const SHORT = 12;

interface Numbers {
  BYTES_PER_ELEMENT: number;
  new (buffer: ArrayBuffer, offset: number, length: number): ArrayLike<number | bigint>;
}

/** Reads a batch's columns one after another, in the schema's order: `values` or `skip` for each. */
export class ColumnReader {
  private node = 0;
  private buffer = 0;
  private view = 0;
  private readonly decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

  constructor(
    private readonly batch: Batch,
    private readonly dictionaries: ReadonlyMap<number, readonly unknown[]>,
    private readonly decompress: Decompress,
    private readonly budget: Budget,
  ) {}

  /** @param rows how many values there must be; unknown for the items of lists */
  values(field: Field, rows?: number): unknown[] {
    const { length, nulls } = this.nextNode();
    if (rows !== undefined && length < rows)
      throw new ArrowFault(`column "${field.name}" has ${length} values for ${rows} rows`);
    const count = rows ?? length;
    if (field.type === 'null' && !field.dictionary) {
      // It has no buffers that could bound it.
      this.budget.take(count);
      return Array.from({ length: count }, () => null);
    }
    const bits = this.nextBuffer();
    if (nulls > 0) atLeast(bits, Math.ceil(count / 8), field);
    const isNull = (i: number) => nulls > 0 && !bit(bits, i);
    if (!field.dictionary) {
      const values = this.plain(field, count);
      return nulls === 0 ? values : values.map((value, i) => (isNull(i) ? null : value));
    }
    const { id, indices } = field.dictionary;
    const values = this.dictionaries.get(id) ?? [];
    return this.ints({ ...indices, name: field.name }, count).map((index, i) => {
      if (isNull(i)) return null;
      if (!(index in values)) throw outside(field);
      return values[index];
    });
  }

  skip(field: Field): void {
    this.nextNode();
    if (field.dictionary) {
      this.buffer += 2;
      return;
    }
    this.buffer +=
      field.buffers + (field.type.endsWith('_view') && !field.children.length ? this.nextViews() : 0);
    for (const child of field.children) this.skip(child);
  }

  private plain(field: Field, length: number): unknown[] {
    switch (field.type) {
      case 'bool': {
        const bits = atLeast(this.nextBuffer(), Math.ceil(length / 8), field);
        return Array.from({ length }, (_, i) => bit(bits, i));
      }
      case 'int':
        return this.ints(field, length);
      case 'float':
        return this.numbers(field.bits === 32 ? Float32Array : Float64Array, length, field);
      case 'utf8':
      case 'large_utf8': {
        const ends = this.offsets(TYPES_OF_TEXT[field.type], length, field);
        const bytes = atLeast(this.nextBuffer(), ends[length] ?? 0, field);
        return Array.from({ length }, (_, i) => this.text(bytes.subarray(ends[i], ends[i + 1]), field, i));
      }
      case 'utf8_view':
        return this.views(field, length);
      case 'list':
      case 'large_list': {
        const ends = this.offsets(TYPES_OF_LISTS[field.type], length, field);
        const items = this.values(onlyChild(field));
        if ((ends[length] ?? 0) > items.length) throw outside(field);
        return Array.from({ length }, (_, i) => items.slice(ends[i], ends[i + 1]));
      }
      case 'fixed_size_list': {
        const { size } = field;
        if (size < 0) throw outside(field);
        const items = this.values(onlyChild(field), length * size);
        return Array.from({ length }, (_, i) => items.slice(i * size, (i + 1) * size));
      }
      default:
        throw new ArrowFault(`column "${field.name}" is ${field.type}, which is not read`);
    }
  }

  private ints(field: Field, length: number): number[] {
    const name = `${field.signed ? '' : 'u'}int${field.bits}`;
    if (!(name in INTEGERS))
      throw new ArrowFault(`column "${field.name}" has integers of ${field.bits} bits`);
    return this.numbers(INTEGERS[name as keyof typeof INTEGERS], length, field);
  }

  private views(field: Field, length: number): string[] {
    const views = atLeast(this.nextBuffer(), VIEW_BYTES * length, field);
    const data = new DataView(views.buffer, views.byteOffset, views.byteLength);
    const buffers = Array.from({ length: this.nextViews() }, () => this.nextBuffer());
    return Array.from({ length }, (_, i) => {
      const at = VIEW_BYTES * i;
      const size = data.getInt32(at, true);
      if (size >= 0 && size <= SHORT) return this.text(views.subarray(at + 4, at + 4 + size), field, i);
      const [bytes, from] = [buffers[data.getInt32(at + 8, true)], data.getInt32(at + 12, true)];
      if (!bytes || size < 0 || from < 0 || from + size > bytes.length) throw outside(field);
      // Many views may be of the same bytes.
      this.budget.take(size);
      return this.text(bytes.subarray(from, from + size), field, i);
    });
  }

  private text(bytes: Uint8Array, field: Field, row: number): string {
    try {
      return this.decoder.decode(bytes);
    } catch {
      throw new ArrowFault(`column "${field.name}", row ${row} of its batch: it is not UTF-8 text`);
    }
  }

  /** Where each row's items begin, and the last one's end; they never go back. */
  private offsets(type: Numbers, length: number, field: Field): number[] {
    // A column without rows may have no offsets at all.
    if (length === 0) return this.nextBuffer() && [];
    const ends = this.numbers(type, length + 1, field);
    if (ends[0]! < 0 || ends.some((end, i) => i > 0 && end < ends[i - 1]!)) throw outside(field);
    return ends;
  }

  private numbers(type: Numbers, length: number, field: Field): number[] {
    const size = type.BYTES_PER_ELEMENT;
    const bytes = atLeast(this.nextBuffer(), length * size, field);
    // A copy begins at a multiple of anything; a Buffer's own slice is no copy.
    const aligned = bytes.byteOffset % size === 0 ? bytes : new Uint8Array(bytes);
    const values = new type(aligned.buffer as ArrayBuffer, aligned.byteOffset, length);
    // A loop, since Array.from takes ten times as long.
    const numbers: number[] = [];
    for (let i = 0; i < length; i++) numbers.push(Number(values[i]));
    return numbers;
  }

  private nextNode(): { length: number; nulls: number } {
    const { nodes } = this.batch;
    if (this.node >= nodes.length)
      throw new ArrowFault('it is damaged: a batch has fewer columns than the schema');
    return nodes.get(this.node++);
  }

  private nextViews(): number {
    const { views, buffers } = this.batch;
    const count = this.view < views.length ? views.get(this.view++) : 0;
    if (count > buffers.length) throw new ArrowFault('it is damaged: a batch has fewer buffers than it says');
    return count;
  }

  private nextBuffer(): Uint8Array {
    const { buffers, body, compression } = this.batch;
    if (this.buffer >= buffers.length)
      throw new ArrowFault('it is damaged: a batch has fewer buffers than its columns need');
    const { offset, length } = buffers.get(this.buffer++);
    if (offset + length > body.length)
      throw new ArrowFault('it is damaged: a buffer is not inside its batch');
    const bytes = body.subarray(offset, offset + length);
    if (compression === 'none' || length === 0) return bytes;
    if (length < 8) throw new ArrowFault('it is damaged: a compressed buffer has no length');
    const size = Number(new DataView(bytes.buffer, bytes.byteOffset, 8).getBigInt64(0, true));
    // Not compressed, since that would not have made it smaller.
    if (size === -1) return bytes.subarray(8);
    if (size < 0) throw new ArrowFault('it is damaged: a compressed buffer has no length');
    this.budget.take(size);
    return this.decompress(bytes.subarray(8), size);
  }
}

const outside = ({ name }: Field) =>
  new ArrowFault(`it is damaged: column "${name}" points outside of its data`);

function atLeast(bytes: Uint8Array, size: number, { name }: Field): Uint8Array {
  if (bytes.length < size)
    throw new ArrowFault(
      `it is damaged: column "${name}" claims more rows than its ${bytes.length} bytes can hold`,
    );
  return bytes;
}

function onlyChild(field: Field): Field {
  const [child] = field.children;
  if (!child || field.children.length !== 1)
    throw new ArrowFault(`column "${field.name}" is a list of nothing`);
  return child;
}

const bit = (bits: Uint8Array, i: number): boolean => ((bits[i >> 3]! >> (i & 7)) & 1) === 1;
