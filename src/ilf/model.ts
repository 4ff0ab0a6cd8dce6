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
  if (tokenizer.vocabSize > lm.description.vocab) {
    lm.dispose();
    throw new UserError(
      `${dir}: the tokenizer has ${tokenizer.vocabSize} tokens, the model ${lm.description.vocab}; they do not belong together`,
    );
  }
  return { dir, lm, tokenizer };
}

/** Models opened when first asked for, so that a run whose steps are all done opens none. */
export class ModelShelf {
  private readonly open = new Map<string, Promise<TextModel>>();

  get(dir: string): Promise<TextModel> {
    let model = this.open.get(dir);
    if (!model) {
      model = openModel(dir);
      this.open.set(dir, model);
    }
    return model;
  }

  /** Frees the memory of one model, or of all. */
  async close(dir?: string): Promise<void> {
    for (const [key, model] of [...this.open]) {
      if (dir !== undefined && key !== dir) continue;
      this.open.delete(key);
      (await model).lm.dispose();
    }
  }
}
