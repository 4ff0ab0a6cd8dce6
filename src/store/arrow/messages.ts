/**
 * An Arrow IPC file, or stream, as its schema and its batches: where they are, and that all of it is inside the bytes.
 * apache-arrow's own reader believes what a file says. One whose batch is no batch (its header has another type) it reads again and again
 * for ever, since only a batch counts the blocks on; lengths it allocates as they stand there.
 */
import { ArrowFault, countAt, FlatTable, type Structs } from './flatbuffer.js';
import { checkVersion, type Field, readSchema } from './schema.js';

/** How buffers are compressed; by the codec's number. */
export type Compression = 'none' | 'lz4' | 'zstd';
const CODECS: readonly Compression[] = ['lz4', 'zstd'];

/** A batch of rows, or of a dictionary's values. */
export interface Batch {
  /** The dictionary's number; null for rows. */
  dictionary: number | null;
  /** The values are added to those before. */
  delta: boolean;
  rows: number;
  compression: Compression;
  /** Of each column and its children, depth first. */
  nodes: Structs<{ length: number; nulls: number }>;
  buffers: Structs<{ offset: number; length: number }>;
  /** How many further buffers each column of views has. */
  views: Structs<number>;
  body: Uint8Array;
}

export interface ArrowFile {
  fields: Field[];
  /** In the order in which they are to be read. */
  batches: Batch[];
}

const MAGIC = 'ARROW1';
/** The magic, and 2 bytes to align what follows. */
const START = 8;
const HEADER = { schema: 1, dictionary: 2, rows: 3 };

/** @throws ArrowFault naming what is wrong */
export function readMessages(bytes: Uint8Array): ArrowFile {
  const text = (from: number, to: number) => Buffer.from(bytes.subarray(from, to)).toString('latin1');
  const start = text(0, MAGIC.length);
  if (start === MAGIC) {
    if (bytes.length < START + 4 + MAGIC.length || text(bytes.length - MAGIC.length, bytes.length) !== MAGIC)
      throw new ArrowFault('it is not a whole Arrow IPC file: its end is missing');
    return readFooter(bytes);
  }
  if (start.startsWith('PAR1')) throw new ArrowFault(`it is a Parquet file; ${HOW_TO_WRITE}`);
  if (start.startsWith('FEA1')) throw new ArrowFault(`it is Feather of version 1; ${HOW_TO_WRITE}`);
  return readStream(bytes);
}

export const HOW_TO_WRITE =
  'write it as Arrow IPC: df.to_feather(PATH) in pandas, df.write_ipc(PATH) in polars, pyarrow.feather.write_feather(table, PATH)';

/** The file format: a footer with the schema, and where the batches are. */
function readFooter(bytes: Uint8Array): ArrowFile {
  const data = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const end = bytes.length - MAGIC.length - 4;
  const length = data.getInt32(end, true);
  if (length <= 0 || end - length < START)
    throw new ArrowFault('it is damaged: its footer is not inside the file');
  const footer = FlatTable.root(bytes.subarray(end - length, end));
  const fields = readSchema(footer.table(1), checkVersion(footer.int16(0)));
  const blocks = [2, 3].flatMap((slot, i) => {
    const list = footer.structs(slot, 24, (of, at) => ({
      at: countAt(of, at),
      size: of.getInt32(at + 8, true) + countAt(of, at + 16),
      header: i === 0 ? HEADER.dictionary : HEADER.rows,
    }));
    return Array.from({ length: list.length }, (_, k) => list.get(k));
  });
  // Batches that share bytes would let a small file claim any number of rows.
  const claimed = blocks.reduce((sum, { size }) => sum + size, 0);
  if (!(claimed <= bytes.length))
    throw new ArrowFault('it is damaged: its batches claim more bytes than it has');
  const batches = blocks.map(({ at, header }) => {
    const message = readMessage(bytes, at, end - length);
    if (message?.header !== header)
      throw new ArrowFault('it is damaged: its footer points at something that is no batch');
    return toBatch(message);
  });
  return { fields, batches };
}

/** The stream format: the schema, then batches, then an end mark. */
function readStream(bytes: Uint8Array): ArrowFile {
  const schema = readMessage(bytes, 0, bytes.length, `it is not an Arrow IPC file; ${HOW_TO_WRITE}`);
  if (schema?.header !== HEADER.schema) throw new ArrowFault(`it is not an Arrow IPC file; ${HOW_TO_WRITE}`);
  const fields = readSchema(schema.table, schema.version);
  const batches: Batch[] = [];
  for (let at = schema.end; ; ) {
    const message = readMessage(
      bytes,
      at,
      bytes.length,
      'it is not a whole Arrow IPC stream: its end is missing',
    );
    if (!message) {
      // A mark is of 8 bytes, or 4 before Arrow 0.15.
      if (bytes.length > at + 8) throw new ArrowFault('it has something after its end');
      return { fields, batches };
    }
    if (message.header !== HEADER.dictionary && message.header !== HEADER.rows)
      throw new ArrowFault('it is damaged: it holds something that is no batch');
    batches.push(toBatch(message));
    at = message.end;
  }
}

interface Message {
  header: number;
  table: FlatTable;
  version: number;
  body: Uint8Array;
  /** Where the next begins. */
  end: number;
}

/** The message at `at`; undefined for an end mark. @param cut what to say of one that is not inside */
function readMessage(
  bytes: Uint8Array,
  at: number,
  end: number,
  cut = 'it is damaged: a batch is not inside the file',
): Message | undefined {
  const data = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const int32 = (from: number) => {
    if (from + 4 > end) throw new ArrowFault(cut);
    return data.getInt32(from, true);
  };
  // Before Arrow 0.15 a message began with its length, without the mark −1.
  const marked = int32(at) === -1;
  const start = at + (marked ? 8 : 4);
  const length = int32(start - 4);
  if (length === 0) return undefined;
  if (length < 0 || start + length > end) throw new ArrowFault(cut);
  const message = FlatTable.root(bytes.subarray(start, start + length));
  const header = message.uint8(1);
  const table = message.table(2);
  const [from, size] = [start + length, message.count(3)];
  if (from + size > end) throw new ArrowFault(cut);
  if (!table) throw new ArrowFault('it is damaged: it holds a message without content');
  const version = checkVersion(message.int16(0));
  return { header, table, version, body: bytes.subarray(from, from + size), end: from + size };
}

function toBatch({ header, table, body }: Message): Batch {
  const rows = header === HEADER.dictionary ? table.table(1) : table;
  if (!rows) throw new ArrowFault('it is damaged: it has a dictionary without values');
  return {
    dictionary: header === HEADER.dictionary ? table.count(0) : null,
    delta: header === HEADER.dictionary && table.bool(2),
    rows: rows.count(0),
    compression: compressionOf(rows.table(3)),
    nodes: rows.structs(1, 16, (of, at) => ({ length: countAt(of, at), nulls: countAt(of, at + 8) })),
    buffers: rows.structs(2, 16, (of, at) => ({ offset: countAt(of, at), length: countAt(of, at + 8) })),
    views: rows.structs(4, 8, countAt),
    body,
  };
}

function compressionOf(compression: FlatTable | undefined): Compression {
  if (!compression) return 'none';
  const codec = CODECS[compression.uint8(0)];
  if (!codec || compression.uint8(1) !== 0)
    throw new ArrowFault(
      'it is compressed in a way that is not known here; write it with lz4, zstd, or uncompressed',
    );
  return codec;
}
