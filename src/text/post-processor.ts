/** What a tokenizer puts in front of a text: the token that begins it. What it puts behind ends a text, and no prompt is at its end. */
import { z } from 'zod';
import { id, listOf, mapOf, oneOf } from './parts/common.js';

const piece = z.union([
  z.strictObject({ SpecialToken: z.looseObject({ id: z.string() }) }),
  z.strictObject({ Sequence: z.looseObject({ id: z.enum(['A', 'B']) }) }),
]);
const token = z.tuple([z.string(), id]);
const single = [
  z.looseObject({ type: z.literal('ByteLevel') }),
  z.looseObject({
    type: z.literal('TemplateProcessing'),
    single: listOf(piece),
    special_tokens: mapOf(z.looseObject({ ids: listOf(id) })).default(new Map()),
  }),
  z.looseObject({ type: z.literal('BertProcessing'), cls: token }),
  z.looseObject({ type: z.literal('RobertaProcessing'), cls: token }),
] as const;
const sequence = z.looseObject({ type: z.literal('Sequence'), processors: listOf(oneOf(single)) });
export const postProcessorSchema = oneOf([...single, sequence]);
export type PostProcessorJson = z.infer<typeof postProcessorSchema>;

/** The ids in front of a text; undefined where one of its tokens is not said. */
export function beginOf(json: PostProcessorJson | null | undefined): number[] | undefined {
  if (json == null || json.type === 'ByteLevel') return [];
  if (json.type === 'BertProcessing' || json.type === 'RobertaProcessing') return [json.cls[1]];
  if (json.type === 'Sequence') {
    const parts = json.processors.map(beginOf);
    return parts.some((part) => part === undefined) ? undefined : (parts as number[][]).flat();
  }
  const at = json.single.findIndex((part) => 'Sequence' in part);
  const ids: number[] = [];
  for (const part of json.single.slice(0, Math.max(at, 0))) {
    const known = 'SpecialToken' in part ? json.special_tokens.get(part.SpecialToken.id)?.ids : undefined;
    if (known === undefined) return undefined;
    ids.push(...known);
  }
  return ids;
}
