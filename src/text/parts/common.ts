/** What several kinds of parts have. */
import { z } from 'zod';
import { UserError } from '../../store/errors.js';
import { toRegExp } from '../regex.js';

type Typed = z.ZodObject<{ type: z.ZodLiteral<string> | z.ZodEnum<Record<string, string>> }>;

/** One of the parts that are known here, by its `type`. */
export const oneOf = <const T extends readonly [Typed, ...Typed[]]>(parts: T) =>
  z.discriminatedUnion('type', parts, {
    error: ({ code, input }) =>
      code === 'invalid_union'
        ? `${JSON.stringify((input as { type?: unknown }).type)?.slice(0, 50)} is none of those that can be run here`
        : undefined,
  });

/** Well below where a regular expression of JavaScript is too large. */
const MOST_PATTERN = 10_000;

export const pattern = z.union(
  [
    z.strictObject({ String: z.string().max(MOST_PATTERN) }),
    z.strictObject({ Regex: z.string().max(MOST_PATTERN) }),
  ],
  'must be {"String": …} or {"Regex": …}',
);
/** What is put in a place of a text. */
export const content = z.string().max(1000);

/** Characters (UTF-16 units) of a text at most, whatever is done to it: 2 million tokens, and memory for some ten times as much. */
export const MOST_TEXT = 1 << 23;

/** @throws UserError for a text that is, or has become, too long */
export function checkLength(length: number, where: string): void {
  if (length > MOST_TEXT)
    throw new UserError(
      `${where}: a text of more than ${MOST_TEXT} characters, as given or as it becomes, cannot be encoded`,
    );
}

/** `content` in each place that matches. @throws UserError where the texts would become too long together */
export function replaceEach(texts: readonly string[], each: RegExp, by: string, where: string): string[] {
  let length = 0;
  for (const text of texts) {
    length += text.length;
    checkLength(length, where);
    if (by.length < 2) continue;
    for (const { 0: found } of text.matchAll(each)) {
      length += by.length - found.length;
      checkLength(length, where);
    }
  }
  return texts.map((text) => text.replace(each, () => by));
}

/** Every place where a pattern matches. @throws UserError for a regular expression that cannot be run */
export const eachOf = (json: z.infer<typeof pattern>, where: string): RegExp =>
  'Regex' in json
    ? toRegExp(json.Regex, where)
    : new RegExp(json.String === '' ? '(?!)' : literally(json.String), 'gu');

/** The source of a regular expression that matches `text` and nothing else. */
export const literally = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');

/** ASCII's punctuation and symbols, and Unicode's punctuation: as BERT has it. */
export const PUNCTUATION = '\\p{P}!-\\/:-@\\[-`\\{-~';

/** One character. */
export const char = z.string().refine((text) => Array.from(text).length === 1, 'must be one character');

/** A token's id. */
export const id = z.number().int().nonnegative().max(0xffffff);
/** Every token's id by its name. */
export type Vocabulary = ReadonlyMap<string, number>;

/** A list. The first fault ends it: of millions, zod would gather each. */
export const listOf = <T>(item: z.ZodType<T>) =>
  z.unknown().transform((value, context): T[] => {
    if (Array.isArray(value)) return firstFault(value.entries(), item, context) ?? z.NEVER;
    context.addIssue({ code: 'custom', message: 'must be a list' });
    return z.NEVER;
  });

/** An object whose values are of one kind; as `listOf`. */
export const mapOf = <T>(item: z.ZodType<T>) =>
  z.unknown().transform((value, context): Map<string, T> => {
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
      const keys = Object.keys(value);
      const values = firstFault(Object.entries(value), item, context);
      if (values) return new Map(values.map((each, i) => [keys[i]!, each]));
    } else context.addIssue({ code: 'custom', message: 'must be an object' });
    return z.NEVER;
  });

type Context = Parameters<Parameters<z.ZodUnknown['transform']>[0]>[1];

function firstFault<T>(
  entries: Iterable<[string | number, unknown]>,
  item: z.ZodType<T>,
  context: Context,
): T[] | undefined {
  const good: T[] = [];
  for (const [key, value] of entries) {
    const parsed = item.safeParse(value);
    if (!parsed.success) {
      const { path, message } = parsed.error.issues[0]!;
      context.addIssue({ code: 'custom', path: [key, ...path], message });
      return undefined;
    }
    good.push(parsed.data);
  }
  return good;
}

/** Every token's id by its name, as files have it. */
export const vocabulary = mapOf(id);
