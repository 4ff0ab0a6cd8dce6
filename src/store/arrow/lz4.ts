/**
 * LZ4 frames, which Arrow's buffers are compressed in by default: decompression alone, since no package that is kept does it within
 * given bounds. https://github.com/lz4/lz4/blob/dev/doc/lz4_Frame_format.md, lz4_Block_format.md. Checksums are not looked at.
 */
import { ArrowFault } from './flatbuffer.js';

const MAGIC = 0x184d2204;
/** Flags of a frame. */
const FLAG = { blockChecksums: 0x10, size: 0x08, dictionary: 0x01 };

const fault = () => new ArrowFault('it is damaged: its LZ4 data are none');

/** The `length` bytes that a frame stands for. */
export function decompressLz4(frame: Uint8Array, length: number): Uint8Array {
  const data = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  const out = new Uint8Array(length);
  if (frame.length < 7 || data.getUint32(0, true) !== MAGIC || frame[4]! >> 6 !== 1) throw fault();
  const flags = frame[4]!;
  let at = 7 + (flags & FLAG.size ? 8 : 0) + (flags & FLAG.dictionary ? 4 : 0);
  let written = 0;
  for (;;) {
    if (at + 4 > frame.length) throw fault();
    const header = data.getUint32(at, true);
    at += 4;
    if (header === 0) break;
    const end = at + (header & 0x7fffffff);
    if (end > frame.length) throw fault();
    const block = frame.subarray(at, end);
    // The highest bit: not compressed.
    if (header >>> 31) {
      if (written + block.length > length) throw fault();
      out.set(block, written);
      written += block.length;
    } else written = decompressBlock(block, out, written);
    at = end + (flags & FLAG.blockChecksums ? 4 : 0);
  }
  if (written !== length) throw fault();
  return out;
}

/** Writes what a block stands for from `to` on; returns where that ends. */
function decompressBlock(block: Uint8Array, out: Uint8Array, to: number): number {
  let at = 0;
  let written = to;
  const byte = () => {
    if (at >= block.length) throw fault();
    return block[at++]!;
  };
  const long = (nibble: number) => {
    let count = nibble;
    if (nibble === 15) for (let more = 255; more === 255; count += more) more = byte();
    return count;
  };
  while (at < block.length) {
    const token = byte();
    const literals = long(token >> 4);
    if (at + literals > block.length || written + literals > out.length) throw fault();
    out.set(block.subarray(at, at + literals), written);
    at += literals;
    written += literals;
    // The last sequence has literals alone.
    if (at === block.length) break;
    const back = byte() | (byte() << 8);
    const match = 4 + long(token & 15);
    if (back === 0 || back > written || written + match > out.length) throw fault();
    // Byte by byte: what is copied may be what was just written.
    for (let i = 0; i < match; i++, written++) out[written] = out[written - back]!;
  }
  return written;
}
