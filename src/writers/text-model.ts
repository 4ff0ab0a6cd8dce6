/** A model folder opened: the LM and its tokenizer. */
import { loadLM } from '../lm/files.js';
import type { CausalLM } from '../lm/model.js';
import { UserError } from '../store/errors.js';
import { loadTokenizer, type Tokenizer } from '../text/tokenizer.js';
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
