/** Log-probabilities of given completions under any model folder. */
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { loadLM } from '../lm/files.js';
import { readJsonl } from '../store/jsonl.js';
import { loadTokenizer } from '../text/tokenizer.js';
import { scoreAll } from './chunks.js';
import { requireModel } from './model-files.js';
import type { OnTexts } from './writer.js';

interface Item {
  prompt: number[];
  completion: number[];
}

/**
 * Lines {"prompt", "completion"} or {"prompt_ids", "completion_ids"} → natural logarithms of p(token | all before it), one per
 * completion token [line][token]. Texts are encoded on their own, a prompt's end is a token's end; nothing is added to them.
 * Ids need no tokenizer in the folder. @throws UserError with the number of the first line that cannot be scored
 */
export async function scoreFile(model: string, data: string, onProgress: OnTexts): Promise<Float32Array[]> {
  await requireModel(model);
  const lm = await loadLM(model);
  try {
    // Read before any line is checked: a line of text is checked in tokens.
    const encode = (await holdsTexts(data)) ? (await loadTokenizer(model)).encode : undefined;
    const items = await readJsonl(data, lineSchema(lm.description, encode));
    return items.length === 0 ? [] : await scoreAll(lm, items, onProgress);
  } finally {
    lm.dispose();
  }
}

/** Whether any line may have texts to encode. */
async function holdsTexts(data: string): Promise<boolean> {
  try {
    return /"(prompt|completion)"/.test(await readFile(data, 'utf8'));
  } catch {
    // readJsonl says what is wrong with the file.
    return false;
  }
}

function lineSchema(
  model: { vocab: number; positions: number },
  encode: ((text: string) => number[]) | undefined,
): z.ZodType<Item> {
  const id = z
    .number()
    .int()
    .min(0)
    .max(model.vocab - 1, `an id is outside the model's vocabulary of ${model.vocab}`);
  const texts = z
    .strictObject({ prompt: z.string(), completion: z.string() })
    .transform(({ prompt, completion }) => ({ prompt: encode!(prompt), completion: encode!(completion) }));
  const ids = z
    .strictObject({ prompt_ids: z.array(id), completion_ids: z.array(id) })
    .transform(({ prompt_ids, completion_ids }) => ({ prompt: prompt_ids, completion: completion_ids }));
  return z
    .looseObject({}, 'the line must be {"prompt", "completion"} or {"prompt_ids", "completion_ids"}')
    .transform((line, context): Item => {
      const parsed = ('prompt_ids' in line || 'completion_ids' in line ? ids : texts).safeParse(line);
      if (parsed.success) return parsed.data;
      const { path, message } = parsed.error.issues[0]!;
      context.addIssue({ code: 'custom', path, message });
      return z.NEVER;
    })
    .refine(
      ({ prompt }) => prompt.length > 0,
      'the prompt has no tokens; the first token needs one before it',
    )
    .refine(
      ({ prompt, completion }) => prompt.length + completion.length <= model.positions,
      `prompt and completion are longer than the model's ${model.positions} positions`,
    );
}
