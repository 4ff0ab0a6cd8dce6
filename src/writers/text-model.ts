/** A model folder opened: the LM and its tokenizer. */
import { join } from 'node:path';
import { z } from 'zod';
import { loadLM, saveLM } from '../lm/files.js';
import type { CausalLM } from '../lm/model.js';
import { writeFileAtomic } from '../store/atomic.js';
import { UserError } from '../store/errors.js';
import { readJsonIfThere } from '../store/read-json.js';
import { copyTokenizer, loadTokenizer, type Tokenizer } from '../text/tokenizer.js';
import { requireModel } from './model-files.js';

export interface TextModel {
  readonly dir: string;
  readonly lm: CausalLM;
  readonly tokenizer: Tokenizer;
}

/** @throws UserError where the tokenizer has tokens that the model of `dir` does not know */
export function checkPair(dir: string, tokenizer: Tokenizer, vocabSize: number): void {
  if (tokenizer.vocabSize > vocabSize)
    throw new UserError(
      `${dir}: the tokenizer has ${tokenizer.vocabSize} tokens, the model ${vocabSize}; they do not belong together`,
    );
}

/**
 * Writes a model folder: the LM, the tokenizer of the folder `from`, and the ids that begin and end a text, without which transformers'
 * generate would not stop.
 */
export async function saveModel(lm: CausalLM, from: string, dir: string): Promise<void> {
  const { bos, ends } = await loadTokenizer(from);
  const eos = ends.length === 1 ? ends[0]! : ends;
  const ids = { ...(bos !== undefined && { bos_token_id: bos }), eos_token_id: eos };
  await saveLM(lm, dir, ids);
  await copyTokenizer(from, dir);
  const file = 'generation_config.json';
  const before = await readJsonIfThere(join(from, file), z.looseObject({}));
  await writeFileAtomic(join(dir, file), `${JSON.stringify({ ...before, ...ids }, null, 2)}\n`);
}

/** @throws UserError where there is no such folder, it is not whole, or its vocabulary is too small for its tokenizer */
export async function openModel(dir: string): Promise<TextModel> {
  await requireModel(dir);
  const [lm, tokenizer] = [await loadLM(dir), await loadTokenizer(dir)];
  try {
    checkPair(dir, tokenizer, lm.description.vocab);
  } catch (error) {
    lm.dispose();
    throw error;
  }
  return { dir, lm, tokenizer };
}
