import { UserError } from '../../store/errors.js';
import type { Tokenizer } from '../../text/tokenizer.js';

/** @throws UserError where the tokenizer has tokens that the model of `dir` does not know */
export function checkPair(dir: string, tokenizer: Tokenizer, vocabSize: number): void {
  if (tokenizer.vocabSize > vocabSize) {
    throw new UserError(
      `${dir}: the tokenizer has ${tokenizer.vocabSize} tokens, the model ${vocabSize}: they are not a pair`,
    );
  }
}
