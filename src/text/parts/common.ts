/** What several kinds of parts have. */
import { z } from 'zod';
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

export const pattern = z.union([
  z.strictObject({ String: z.string() }),
  z.strictObject({ Regex: z.string().max(10_000) }),
]);

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
