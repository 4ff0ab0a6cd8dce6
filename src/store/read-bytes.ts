import { type FileHandle, open, stat } from 'node:fs/promises';
import { asUserError, isMissing, UserError } from './errors.js';

/** Larger files are read by nothing here. */
const MOST_BYTES = 2 ** 31 - 1;
/** From a pipe, or a device, which may never end. */
const MOST_STREAMED = 1 << 28;

const tooLarge = (path: string, most: number) =>
  new UserError(`cannot read ${path}: it has more than ${most} bytes`);

/** A file's bytes, or what comes through a pipe. @throws UserError for one that cannot be read, or has too many */
export async function readBytes(path: string): Promise<Uint8Array> {
  return reading(path, (file) => allOf(file, path, MOST_BYTES));
}

/** As `readBytes`, but of a file and nothing else: a pipe that nobody writes to would keep us waiting. */
export async function readFileBytes(path: string, most = MOST_BYTES): Promise<Uint8Array> {
  await requireFile(path);
  return reading(path, (file) => allOf(file, path, most));
}

/** As `readFileBytes`, or undefined where there is nothing. */
export async function readFileIfThere(path: string, most = MOST_BYTES): Promise<Uint8Array | undefined> {
  try {
    return await readFileBytes(path, most);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/** @throws UserError for what is no file: a folder, a device, a pipe, or nothing */
export async function requireFile(path: string): Promise<void> {
  const found = await stat(path).catch((error: unknown) => {
    throw asUserError(error, 'read', path);
  });
  if (found.isDirectory()) throw new UserError(`cannot read ${path}: it is a folder, a file was expected`);
  if (!found.isFile())
    throw new UserError(`cannot read ${path}: it is a device or a pipe, a file was expected`);
}

async function reading<T>(path: string, read: (file: FileHandle) => Promise<T>): Promise<T> {
  let file: FileHandle | undefined;
  try {
    file = await open(path);
    return await read(file);
  } catch (error) {
    throw asUserError(error, 'read', path);
  } finally {
    await file?.close();
  }
}

async function allOf(file: FileHandle, path: string, most: number): Promise<Uint8Array> {
  const { size } = await file.stat();
  if (size > most) throw tooLarge(path, most);
  // The system's own files, devices and pipes do not say how much there is.
  if (size > 0) return file.readFile();
  const limit = Math.min(most, MOST_STREAMED);
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of file.createReadStream({ autoClose: false }) as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    length += chunk.length;
    if (length > limit) throw tooLarge(path, limit);
  }
  return Buffer.concat(chunks);
}
