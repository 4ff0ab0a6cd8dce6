/** Reading JSON files that may be anything: a UserError that names the file, never a stack trace. */
import type { z } from 'zod';
import { isMissing, UserError } from './errors.js';
import { isDeeper } from './json.js';
import { readFileBytes } from './read-bytes.js';

/** Larger files are a mistake: the largest tokenizer.json have some 30 MB. */
const MOST_BYTES = 1 << 26;

/** A zod error as one short line: "a.b: what is wrong" of its first issue. */
export function firstIssue(error: z.ZodError): string {
  const { path, message } = error.issues[0]!;
  return path.length > 0 ? `"${path.map(String).join('.').slice(0, 100)}": ${message}` : message;
}

/** The content of a text file without its byte-order mark. @throws UserError (unreadable, no file, too large, not UTF-8). */
export async function readText(path: string, mostBytes = MOST_BYTES): Promise<string> {
  const bytes = await readFileBytes(path, mostBytes);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new UserError(`cannot read ${path}: it is not UTF-8 text`);
  }
}

/** Files of ours nest some ten deep. Whoever walks a value (schemas, hashes) takes stack for every level. */
const MOST_LEVELS = 100;

/** JSON.parse. @throws what `fault` makes of the reason, where the text is no JSON or nested deeper than any file of ours */
export function parseJson(text: string, fault: (what: string) => UserError): unknown {
  if (isDeeper(text, MOST_LEVELS)) throw fault(`it is nested more than ${MOST_LEVELS} levels deep`);
  try {
    return JSON.parse(text);
  } catch (error) {
    const name = notJson(text);
    throw fault(
      name !== undefined
        ? `it holds ${name}, which is not JSON; write null where there is no value (in Python: json.dumps with allow_nan=False finds it)`
        : `it is not valid JSON (${oneLine((error as Error).message)})`,
    );
  }
}

/** Python's names for numbers that JSON has not, outside strings. */
function notJson(text: string): string | undefined {
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"|-?\b(?:NaN|Infinity)\b/g))
    if (!token.startsWith('"')) return token;
  return undefined;
}

/** A JSON file, checked against `schema`. @throws UserError naming the file and the first field that is wrong. */
export async function readJson<T>(path: string, schema: z.ZodType<T>): Promise<T> {
  const value = parseJson(await readText(path), (what) => new UserError(`cannot read ${path}: ${what}`));
  const parsed = schema.safeParse(value);
  if (!parsed.success) throw new UserError(`cannot use ${path}: ${firstIssue(parsed.error)}`);
  return parsed.data;
}

/** As `readJson`, or undefined where there is no such file. */
export async function readJsonIfThere<T>(path: string, schema: z.ZodType<T>): Promise<T | undefined> {
  try {
    return await readJson(path, schema);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/** JSON.parse quotes what it stumbled over: cut and without line breaks. */
export function oneLine(message: string): string {
  return message.replace(/\s+/g, ' ').slice(0, 200);
}
