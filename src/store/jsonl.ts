/** JSON Lines: one JSON value a line, UTF-8. A byte-order mark, CRLF and blank lines are fine. */
import { createReadStream } from 'node:fs';
import type { z } from 'zod';
import { asUserError, UserError } from './errors.js';
import { ARRAY, likelyMistake, otherKind } from './jsonl-mistakes.js';
import { firstIssue, parseJson } from './read-json.js';

/** A longer line is a file of another kind. */
const LONGEST_LINE = 1 << 24;

/** Standard input, which cannot be opened by its names where it is a socket. */
const STDIN = ['/dev/stdin', '/dev/fd/0', '/proc/self/fd/0'];

const bytesOf = (path: string): AsyncIterable<Buffer> =>
  STDIN.includes(path) ? process.stdin : createReadStream(path, { highWaterMark: 1 << 18 });

/** The lines of a file as bytes. Split at \n alone: U+2028, which readline splits at too, may stand in a JSON string. */
async function* byteLines(path: string): AsyncGenerator<Buffer> {
  let rest: Buffer[] = [];
  let length = 0;
  let line = 1;
  for await (const chunk of bytesOf(path)) {
    let start = 0;
    for (;;) {
      const end = chunk.indexOf(0x0a, start);
      const piece = chunk.subarray(start, end < 0 ? chunk.length : end);
      length += piece.length;
      if (length > LONGEST_LINE)
        throw new UserError(`${path}:${line}: the line has more than ${LONGEST_LINE} bytes`);
      rest.push(piece);
      if (end < 0) break;
      yield Buffer.concat(rest);
      rest = [];
      length = 0;
      line += 1;
      start = end + 1;
    }
  }
  if (length > 0) yield Buffer.concat(rest);
}

/** A line's value, and where it stands: "PATH:LINE". */
export interface JsonLine<T> {
  value: T;
  where: string;
  /** From 1. */
  line: number;
}

/**
 * Line by line, so that a file of any size can be read, and a pipe; each is checked against `schema`. @throws UserError "PATH:LINE: what
 * is wrong" for the first line that is not UTF-8, not JSON, or not what the schema asks for; UserError for a file that cannot be read.
 */
export async function* eachJsonl<T>(path: string, schema: z.ZodType<T>): AsyncGenerator<JsonLine<T>> {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  let line = 0;
  try {
    for await (const bytes of byteLines(path)) {
      line += 1;
      const where = `${path}:${line}`;
      const text = decodeLine(decoder, bytes, where, line === 1).trim();
      if (text !== '') yield { value: parseLine(text, schema, where, line), where, line };
    }
  } catch (error) {
    throw asUserError(error, 'read', path);
  }
}

/** The values of all lines. @throws UserError as `eachJsonl` */
export async function readJsonl<T>(path: string, schema: z.ZodType<T>): Promise<T[]> {
  const values: T[] = [];
  for await (const { value } of eachJsonl(path, schema)) values.push(value);
  return values;
}

function decodeLine(
  decoder: InstanceType<typeof TextDecoder>,
  bytes: Buffer,
  where: string,
  first: boolean,
): string {
  const kind = first ? otherKind(bytes) : undefined;
  if (kind !== undefined) throw new UserError(`${where}: ${kind}`);
  try {
    const text = decoder.decode(bytes);
    return first && text.startsWith('\ufeff') ? text.slice(1) : text;
  } catch {
    throw new UserError(`${where}: it is not UTF-8 text; save it as UTF-8`);
  }
}

function parseLine<T>(text: string, schema: z.ZodType<T>, where: string, line: number): T {
  const fault = (what: string) => new UserError(`${where}: ${what}`);
  const value = parseJson(text, (what) =>
    fault(what.includes('not valid JSON') ? what + likelyMistake(text, line) : what),
  );
  if (Array.isArray(value)) throw fault(ARRAY);
  const parsed = schema.safeParse(value);
  if (!parsed.success) throw fault(firstIssue(parsed.error));
  return parsed.data;
}
