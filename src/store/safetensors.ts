/**
 * The safetensors format (https://huggingface.co/docs/safetensors): 8 bytes of header length N (little-endian u64),
 * N bytes of JSON {name: {dtype, shape, data_offsets: [begin, end)}}, then the tensors' bytes, without holes.
 *
 * Reading trusts nothing: a file from elsewhere is checked as strictly as the reference implementation does it, and
 * every fault is one line with the path. Floating-point tensors come back as float32; integer and boolean ones
 * (GPT-2's old attention-mask buffers) are checked and left out.
 *
 * Deliberately not here: memory mapping, 8-bit floats, writing anything but float32.
 */
import { type FileHandle, open } from 'node:fs/promises';
import { z } from 'zod';
import { writeAll, writeStreamAtomic } from './atomic.js';
import { asUserError, UserError } from './errors.js';
import { repeatedKey } from './json.js';
import { requireFile } from './read-bytes.js';
import { parseJson } from './read-json.js';

export interface NamedTensor {
  name: string;
  shape: number[];
  /** Row-major, as many values as the product of `shape`. */
  data: Float32Array;
}

/** The reference implementation's limit on the header, in bytes. */
const MOST_HEADER = 100_000_000;

const BYTES = {
  F64: 8,
  F32: 4,
  F16: 2,
  BF16: 2,
  I64: 8,
  U64: 8,
  I32: 4,
  U32: 4,
  I16: 2,
  U16: 2,
  I8: 1,
  U8: 1,
  BOOL: 1,
} as const;
type Dtype = keyof typeof BYTES;

/** Little-endian bytes to float32, per floating-point dtype; F32 is read in place. */
const TO_FLOAT: Partial<Record<Dtype, (bytes: Uint8Array, out: Float32Array) => void>> = {
  F16: (bytes, out) => {
    const half = new Uint16Array(bytes.buffer, bytes.byteOffset, out.length);
    for (let i = 0; i < out.length; i++) out[i] = halfToFloat(half[i]!);
  },
  BF16: (bytes, out) => {
    const half = new Uint16Array(bytes.buffer, bytes.byteOffset, out.length);
    const bits = new Uint32Array(out.buffer, out.byteOffset, out.length);
    for (let i = 0; i < out.length; i++) bits[i] = half[i]! << 16;
  },
  F64: (bytes, out) => out.set(new Float64Array(bytes.buffer, bytes.byteOffset, out.length)),
};

/** IEEE 754 binary16 → number. */
function halfToFloat(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

const size = z.number().int().nonnegative();
const tensorSchema = z.strictObject({
  dtype: z.enum(Object.keys(BYTES) as [Dtype, ...Dtype[]]),
  shape: z.array(size).max(16),
  data_offsets: z.tuple([size, size]),
});
const metadataSchema = z.record(z.string(), z.string()).nullable();

interface Entry {
  name: string;
  dtype: Dtype;
  shape: number[];
  /** Bytes from the start of the data section. */
  begin: number;
  end: number;
}

type Fault = (what: string) => UserError;

interface Header {
  /** In the order of their bytes. */
  entries: Entry[];
  /** Names that the file leaves out, and the tensors that they are: what safetensors.torch.save_model writes of shared ones. */
  shared: [name: string, as: string][];
}

/** The header, checked against a data section of `dataBytes` bytes. */
function parseHeader(text: string, dataBytes: number, fault: Fault): Header {
  const header = parseJson(text, (what) => fault(`the header: ${what}`));
  if (typeof header !== 'object' || header === null || Array.isArray(header)) {
    throw fault('the header is not a JSON object');
  }
  const repeated = repeatedKey(text);
  if (repeated !== undefined) throw fault(`the header has the name ${quote(repeated)} twice`);

  const entries: Entry[] = [];
  let metadata: Record<string, string> = {};
  for (const [name, value] of Object.entries(header)) {
    if (name === '__metadata__') {
      const parsed = metadataSchema.safeParse(value);
      if (!parsed.success) throw fault('"__metadata__" is not a map of strings');
      metadata = parsed.data ?? {};
      continue;
    }
    if (name === '' || name === '__proto__') throw fault(`${quote(name)} cannot be a tensor's name`);
    entries.push(parseEntry(name, value, fault));
  }

  entries.sort((a, b) => a.begin - b.begin || a.end - b.end);
  let expected = 0;
  for (const { name, begin, end } of entries) {
    if (end > dataBytes) {
      throw fault(
        `tensor ${quote(name)} ends at byte ${end} of the data, which has ${dataBytes}: is it cut off?`,
      );
    }
    if (begin < expected) throw fault(`tensor ${quote(name)} overlaps the one before it`);
    if (begin > expected)
      throw fault(`there is a hole of ${begin - expected} bytes before tensor ${quote(name)}`);
    expected = end;
  }
  if (expected !== dataBytes)
    throw fault(`${dataBytes - expected} bytes after the last tensor belong to none`);
  const names = new Set(entries.map(({ name }) => name));
  const shared = Object.entries(metadata).filter(([name, as]) => names.has(as) && !names.has(name));
  return { entries, shared };
}

function parseEntry(name: string, value: unknown, fault: Fault): Entry {
  const parsed = tensorSchema.safeParse(value);
  if (!parsed.success) {
    const issue = parsed.error.issues[0]!;
    throw fault(`tensor ${quote(name)}: ${[issue.path.join('.'), issue.message].filter(Boolean).join(': ')}`);
  }
  const { dtype, shape, data_offsets } = parsed.data;
  const [begin, end] = data_offsets;
  const bytes = shape.reduce((product, n) => product * n, BYTES[dtype]);
  if (!Number.isSafeInteger(bytes)) throw fault(`tensor ${quote(name)}: the shape [${shape}] is too large`);
  if (end - begin !== bytes) {
    throw fault(
      `tensor ${quote(name)}: ${dtype} [${shape}] takes ${bytes} bytes, its offsets span ${end - begin}`,
    );
  }
  return { name, dtype, shape, begin, end };
}

/** Names come from the file: cut and escaped, so that a message stays one short line. */
function quote(name: string): string {
  return JSON.stringify(name.length > 80 ? `${name.slice(0, 80)}…` : name);
}

/** Fills `bytes` from `position` of the file. */
async function readFully(file: FileHandle, bytes: Uint8Array, position: number, fault: Fault): Promise<void> {
  const most = 1 << 30; // one system call moves at most 2 GiB
  for (let done = 0; done < bytes.byteLength; ) {
    const length = Math.min(most, bytes.byteLength - done);
    const { bytesRead } = await file.read(bytes, done, length, position + done);
    if (bytesRead === 0) throw fault('the file ended early');
    done += bytesRead;
  }
}

async function readTensor(file: FileHandle, entry: Entry, dataStart: number, fault: Fault) {
  const { name, dtype, shape, begin, end } = entry;
  let data: Float32Array;
  let bytes: Uint8Array;
  try {
    data = new Float32Array((end - begin) / BYTES[dtype]);
    bytes = dtype === 'F32' ? new Uint8Array(data.buffer) : new Uint8Array(end - begin);
  } catch {
    throw fault(`tensor ${quote(name)} of ${end - begin} bytes does not fit into memory`);
  }
  await readFully(file, bytes, dataStart + begin, fault);
  TO_FLOAT[dtype]?.(bytes, data);
  return { name, shape, data } satisfies NamedTensor;
}

/**
 * Reads the floating-point tensors (F32, F16, BF16, F64) of a file as float32, in the order of their bytes; then those that its
 * metadata say are the same as another, with the same data.
 * @throws UserError for a file that cannot be read or is not wholly valid.
 */
export async function readSafetensors(path: string): Promise<Map<string, NamedTensor>> {
  const fault: Fault = (what) => new UserError(`${path} is not a valid safetensors file: ${what}`);
  await requireFile(path);
  try {
    const file = await open(path, 'r');
    try {
      const stat = await file.stat();
      if (stat.size < 8) throw fault(`it has ${stat.size} bytes, the header's length alone takes 8`);
      const lengthBytes = Buffer.alloc(8);
      await readFully(file, lengthBytes, 0, fault);
      const length = lengthBytes.readBigUInt64LE();
      if (length > MOST_HEADER)
        throw fault(`a header of ${length} bytes; at most ${MOST_HEADER} are allowed`);
      if (length > stat.size - 8) {
        throw fault(`a header of ${length} bytes in a file of ${stat.size}: is it cut off?`);
      }
      const header = Buffer.alloc(Number(length));
      await readFully(file, header, 8, fault);
      let text: string;
      try {
        text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(header);
      } catch {
        throw fault('the header is not UTF-8');
      }
      const dataStart = 8 + header.length;
      const tensors = new Map<string, NamedTensor>();
      const { entries, shared } = parseHeader(text, stat.size - dataStart, fault);
      for (const entry of entries) {
        if (entry.dtype !== 'F32' && !(entry.dtype in TO_FLOAT)) continue;
        tensors.set(entry.name, await readTensor(file, entry, dataStart, fault));
      }
      for (const [name, as] of shared) {
        const tensor = tensors.get(as);
        if (tensor) tensors.set(name, { ...tensor, name });
      }
      return tensors;
    } finally {
      await file.close();
    }
  } catch (error) {
    throw asUserError(error, 'read', path);
  }
}

/**
 * Writes float32 tensors, sorted by name, so that the same tensors give the same bytes; the header is padded so that
 * the data start at a multiple of 8. `metadata` defaults to {format: 'pt'}, without which Python's transformers
 * refuses a file. Atomic; errors: UserError for system errors.
 */
export async function writeSafetensors(
  path: string,
  tensors: Iterable<NamedTensor>,
  metadata: Record<string, string> = { format: 'pt' },
): Promise<void> {
  const sorted = [...tensors].sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  const header: Record<string, unknown> = {};
  header.__metadata__ = Object.fromEntries(Object.entries(metadata).sort(([a], [b]) => (a < b ? -1 : 1)));
  let begin = 0;
  for (const { name, shape, data } of sorted) {
    const count = shape.reduce((product, n) => product * n, 1);
    if (count !== data.length) throw new Error(`tensor ${name}: shape [${shape}] but ${data.length} values`);
    if (name === '' || name in header)
      throw new Error(`tensor ${quote(name)}: this name cannot be used (again)`);
    header[name] = { dtype: 'F32', shape, data_offsets: [begin, begin + data.byteLength] };
    begin += data.byteLength;
  }
  const json = Buffer.from(JSON.stringify(header));
  const padded = Buffer.alloc(8 + Math.ceil(json.length / 8) * 8, ' ');
  padded.writeBigUInt64LE(BigInt(padded.length - 8));
  json.copy(padded, 8);

  await writeStreamAtomic(path, async (file) => {
    await writeAll(file, padded);
    for (const { data } of sorted) {
      await writeAll(file, new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    }
  });
}
