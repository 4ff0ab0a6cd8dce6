/** Buffers of compressed batches, and how many bytes all of a file's may come to. */
import { ArrowFault } from './flatbuffer.js';
import { decompressLz4 } from './lz4.js';
import type { Compression } from './messages.js';

/** What becomes of a compressed buffer: exactly `length` bytes, or a fault. */
export type Decompress = (bytes: Uint8Array, length: number) => Uint8Array;

/** What a file may come to beside 64 times its size: text compresses to a tenth, constant columns to nothing. */
const FREE_BYTES = 1 << 24;
const MOST_RATIO = 64;

/** Counts what is made from a file, so that a small one cannot take all memory. */
export class Budget {
  private left: number;

  constructor(readonly fileBytes: number) {
    this.left = FREE_BYTES + MOST_RATIO * fileBytes;
  }

  take(bytes: number): void {
    this.left -= bytes;
    if (!(this.left >= 0))
      throw new ArrowFault(
        `its ${this.fileBytes} bytes claim to hold far more than they can; where that is true, write it uncompressed`,
      );
  }
}

export async function decompressor(
  compressions: ReadonlySet<Compression>,
): Promise<(of: Compression) => Decompress> {
  if (compressions.has('zstd')) zstd ??= openZstd();
  const opened = await zstd;
  return (of) => (of === 'zstd' ? opened! : of === 'lz4' ? decompressLz4 : (bytes) => bytes);
}

/** Opened once: it has one memory. */
let zstd: Promise<Decompress> | undefined;

async function openZstd(): Promise<Decompress> {
  // Loaded where it is needed: few files are.
  const { decompress, init } = await import('@bokuweb/zstd-wasm');
  await init();
  return (bytes, length) => {
    const fault = () => new ArrowFault('it is damaged: its zstd data are none');
    // It makes room for what the frame says; where that says nothing, for one byte more than there should be, to notice these.
    const says = frameSize(bytes);
    if (length > LARGEST || (says !== undefined && says !== length)) throw fault();
    try {
      const out = decompress(bytes, { defaultHeapSize: length + 1 });
      if (out.length === length) return out;
    } catch {}
    throw fault();
  };
}

/** Larger buffers do not fit into its memory. */
const LARGEST = 2 ** 30;
const ZSTD_MAGIC = 0xfd2fb528;

/** How many bytes a zstd frame says that it stands for, where it does; −1 for what is no frame. RFC 8878, 3.1.1.1. */
function frameSize(frame: Uint8Array): number | undefined {
  const data = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  if (frame.length < 5 || data.getUint32(0, true) !== ZSTD_MAGIC) return -1;
  const flags = data.getUint8(4);
  const single = (flags >> 5) & 1;
  const at = 5 + (single ? 0 : 1) + [0, 1, 2, 4][flags & 3]!;
  const size = [single, 2, 4, 8][flags >> 6]!;
  if (at + size > frame.length) return -1;
  switch (size) {
    case 0:
      return undefined;
    case 1:
      return data.getUint8(at);
    case 2:
      return 256 + data.getUint16(at, true);
    case 4:
      return data.getUint32(at, true);
    default:
      return Number(data.getBigUint64(at, true));
  }
}
