import { z } from 'zod';
import { UserError } from '../store/errors.js';
import { eachJsonl } from '../store/jsonl.js';
import { asGiven } from '../tasks/file/as-given.js';
import type { Comparison } from './comparisons.js';

const text = z.string().regex(/\S/, 'it is empty');

const line = z
  .strictObject({ context: text, chosen: text, rejected: text })
  .transform(({ context, chosen, rejected }) => ({
    text: context.trim(),
    chosen: asGiven(chosen),
    rejected: asGiven(rejected),
  }))
  .refine(({ chosen, rejected }) => chosen !== rejected, 'chosen and rejected are the same text');

/**
 * A person's own comparisons: JSONL of {"context", "chosen", "rejected"}; a context may come more than once. Contexts are named
 * by the numbers of their lines. @throws UserError for a file that cannot be read or is empty, or a bad line, with its number
 */
export async function readComparisons(path: string): Promise<Comparison[]> {
  const comparisons: Comparison[] = [];
  for await (const { value, where, line: number } of eachJsonl(path, line))
    comparisons.push({ context: String(number), where, ...value });
  if (comparisons.length === 0)
    throw new UserError(`${path} has no comparisons; give lines of {"context", "chosen", "rejected"}`);
  return comparisons;
}
