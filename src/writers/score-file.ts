/** Log-probabilities of given completions under any model folder. */
import { z } from 'zod';
import { loadLM } from '../lm/files.js';
import type { CausalLM } from '../lm/model.js';
import { UserError } from '../store/errors.js';
import { eachJsonl } from '../store/jsonl.js';
import { encodeStart, loadTokenizer, type Tokenizer } from '../text/tokenizer.js';
import { scoreAll } from './chunks.js';
import { requireModel } from './model-files.js';
import type { OnTexts } from './writer.js';

/** A line to score, and where it stands. */
export interface LineItem {
  prompt: readonly number[];
  completion: readonly number[];
  where: string;
  line: number;
}
export interface LineScore {
  line: number;
  logprobs: Float32Array;
}

/**
 * Lines {"prompt", "completion"} or {"prompt_ids", "completion_ids"} → natural logarithms of p(token | all before it), one per
 * completion token [line][token]. Texts are encoded on their own, a prompt's end is a token's end; nothing is added to them but
 * what the tokenizer begins every text with.
 * Ids need no tokenizer in the folder. `choose` leaves out what is too long for the model's window, or refuses it.
 * @throws UserError with the number of the first line that cannot be scored
 */
export async function scoreFile(
  model: string,
  data: string,
  choose: (items: LineItem[], window: number) => LineItem[],
  onProgress: OnTexts,
): Promise<LineScore[]> {
  await requireModel(model);
  const lm = await loadLM(model);
  try {
    const items = choose(await readItems(lm, model, data), lm.description.positions);
    const scores = items.length === 0 ? [] : await scoreAll(lm, items, onProgress);
    return items.map(({ line }, i) => ({ line, logprobs: scores[i]! }));
  } finally {
    lm.dispose();
  }
}

/** Every line as ids that the model can read. The file is read once: it may be a pipe. */
async function readItems(lm: CausalLM, model: string, data: string): Promise<LineItem[]> {
  const items: LineItem[] = [];
  let tokenizer: Tokenizer | undefined;
  for await (const { value, where, line } of eachJsonl(data, lineSchema(lm.description.vocab))) {
    let item: Pick<LineItem, 'prompt' | 'completion'>;
    if ('prompt' in value) {
      tokenizer ??= await loadTokenizer(model);
      item = {
        prompt: encodeStart(tokenizer, value.prompt),
        completion: tokenizer.encode(value.completion),
      };
    } else item = { prompt: value.prompt_ids, completion: value.completion_ids };
    if (item.prompt.length === 0)
      throw new UserError(`${where}: the prompt has no tokens; the first token needs one before it`);
    items.push({ ...item, where, line });
  }
  return items;
}

type Line = { prompt: string; completion: string } | { prompt_ids: number[]; completion_ids: number[] };

function lineSchema(vocab: number): z.ZodType<Line> {
  const id = z
    .number()
    .int()
    .min(0)
    .max(vocab - 1, `an id is outside the model's vocabulary of ${vocab}`);
  const texts = z.strictObject({ prompt: z.string(), completion: z.string() });
  const ids = z.strictObject({ prompt_ids: z.array(id), completion_ids: z.array(id) });
  return z
    .looseObject({}, 'the line must be {"prompt", "completion"} or {"prompt_ids", "completion_ids"}')
    .transform((line, context): Line => {
      const parsed = ('prompt_ids' in line || 'completion_ids' in line ? ids : texts).safeParse(line);
      if (parsed.success) return parsed.data;
      const { path, message } = parsed.error.issues[0]!;
      context.addIssue({ code: 'custom', path, message });
      return z.NEVER;
    });
}
