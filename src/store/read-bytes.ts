import { type FileHandle, open } from 'node:fs/promises';
import { asUserError, UserError } from './errors.js';

/** Larger files are read by nothing here. */
const MOST_BYTES = 2 ** 31 - 1;
/** From a pipe, or a device, which may never end. */
const MOST_STREAMED = 1 << 28;

/** A file's bytes, or what comes through a pipe. @throws UserError for one that cannot be read, or has too many */
export async function readBytes(path: string): Promise<Uint8Array> {
  const tooLarge = (most: number) => new UserError(`cannot read ${path}: it has more than ${most} bytes`);
  let file: FileHandle | undefined;
  try {
    file = await open(path);
    const stat = await file.stat();
    if (stat.isFile()) {
      if (stat.size > MOST_BYTES) throw tooLarge(MOST_BYTES);
      return await file.readFile();
    }
    const chunks: Buffer[] = [];
    let length = 0;
    for await (const chunk of file.createReadStream({ autoClose: false }) as AsyncIterable<Buffer>) {
      chunks.push(chunk);
      length += chunk.length;
      if (length > MOST_STREAMED) throw tooLarge(MOST_STREAMED);
    }
    return Buffer.concat(chunks);
  } catch (error) {
    throw asUserError(error, 'read', path);
  } finally {
    await file?.close();
  }
}
