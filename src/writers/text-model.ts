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

/** @throws UserError where there is no such folder, it is not whole, or its vocabulary is too small for its tokenizer */
export async function openModel(dir: string): Promise<TextModel> {
  await requireModel(dir);
  const [lm, tokenizer] = [await loadLM(dir), await loadTokenizer(dir)];
  if (tokenizer.vocabSize > lm.config.vocab_size) {
    lm.dispose();
    throw new UserError(
      `${dir}: the tokenizer has ${tokenizer.vocabSize} tokens, the model ${lm.config.vocab_size}; they do not belong together`,
    );
  }
  return { dir, lm, tokenizer };
}
