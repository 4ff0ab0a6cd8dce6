/**
 * Flatbuffers, which hold an Arrow file's metadata, with every offset and count checked against the bytes: a file may claim anything.
 * https://flatbuffers.dev/internals/
 */

/** The bytes are not what an Arrow file may hold; or they are, but nothing here reads it. The message goes after the file's name. */
export class ArrowFault extends Error {}

/** Names longer than this are a mistake. */
const LONGEST_STRING = 4096;

/** A table of a flatbuffer. Fields are asked for by their place in the schema; one that is absent has the default. */
export class FlatTable {
  private constructor(
    private readonly data: DataView,
    private readonly start: number,
  ) {}

  static root(bytes: Uint8Array): FlatTable {
    const data = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    return new FlatTable(data, checked(data, 0, 4) + data.getUint32(0, true));
  }

  bool(slot: number): boolean {
    return this.uint8(slot) !== 0;
  }

  uint8(slot: number): number {
    const at = this.at(slot, 1);
    return at === undefined ? 0 : this.data.getUint8(at);
  }

  int16(slot: number): number {
    const at = this.at(slot, 2);
    return at === undefined ? 0 : this.data.getInt16(at, true);
  }

  int32(slot: number): number {
    const at = this.at(slot, 4);
    return at === undefined ? 0 : this.data.getInt32(at, true);
  }

  /** A 64-bit integer that counts or identifies something: at least 0. */
  count(slot: number): number {
    const at = this.at(slot, 8);
    return at === undefined ? 0 : countAt(this.data, at);
  }

  table(slot: number): FlatTable | undefined {
    const at = this.at(slot, 4);
    return at === undefined ? undefined : this.follow(at);
  }

  string(slot: number): string {
    const { start, length } = this.vector(slot, 1);
    if (length > LONGEST_STRING) throw new ArrowFault(`it is damaged: a name has ${length} bytes`);
    return Buffer.from(this.data.buffer, this.data.byteOffset + start, length).toString('utf8');
  }

  /** How many tables a list has, and the tables. */
  tables(slot: number): { length: number; get(index: number): FlatTable } {
    const { start, length } = this.vector(slot, 4);
    return { length, get: (index) => this.follow(start + 4 * index) };
  }

  /** A list of structs of `size` bytes, of which `get` reads one. */
  structs<T>(slot: number, size: number, get: (data: DataView, at: number) => T): Structs<T> {
    const { start, length } = this.vector(slot, size);
    return { length, get: (index) => get(this.data, start + size * index) };
  }

  private vector(slot: number, size: number): { start: number; length: number } {
    const at = this.at(slot, 4);
    if (at === undefined) return { start: 0, length: 0 };
    const list = checked(this.data, at + this.data.getUint32(at, true), 4);
    const length = this.data.getUint32(list, true);
    return { start: checked(this.data, list + 4, length * size), length };
  }

  private follow(at: number): FlatTable {
    return new FlatTable(this.data, at + this.data.getUint32(at, true));
  }

  /** Where the field of `size` bytes is; undefined where it is absent. */
  private at(slot: number, size: number): number | undefined {
    const { data, start } = this;
    const names = checked(data, checked(data, start, 4) - data.getInt32(start, true), 4);
    const entry = 4 + 2 * slot;
    if (entry + 2 > data.getUint16(names, true)) return undefined;
    const offset = data.getUint16(checked(data, names + entry, 2), true);
    return offset === 0 ? undefined : checked(data, start + offset, size);
  }
}

/** A list whose items are read when asked for. */
export interface Structs<T> {
  length: number;
  get(index: number): T;
}

/** `at`, where `size` bytes from there on are inside. */
function checked(data: DataView, at: number, size: number): number {
  if (!(at >= 0 && at + size <= data.byteLength))
    throw new ArrowFault('it is damaged: its metadata point outside of themselves');
  return at;
}

/** A 64-bit integer that counts something. */
export function countAt(data: DataView, at: number): number {
  const count = data.getBigInt64(at, true);
  if (count < 0n || count > BigInt(Number.MAX_SAFE_INTEGER))
    throw new ArrowFault(`it is damaged: it counts ${count} of something`);
  return Number(count);
}
