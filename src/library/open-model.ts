/** The inside of the library's models. Its own file: what the public types are declared in must not lead to tfjs' types. */
import { UserError } from '../store/errors.js';
import { writeFolderAtomic } from '../store/folder.js';
import { saveModel, type TextModel } from '../writers/text-model.js';
import { check, shapes } from './check.js';

export class OpenModel {
  #text: TextModel | null;

  constructor(text: TextModel) {
    this.#text = text;
  }

  /** @throws UserError where it was disposed of */
  get text(): TextModel {
    if (this.#text) return this.#text;
    throw new UserError('this model was disposed of; load it again');
  }

  get dir() {
    return this.text.dir;
  }
  get size() {
    return this.text.lm.size;
  }
  get window() {
    return this.text.lm.description.positions;
  }
  get eos() {
    return this.text.tokenizer.eos;
  }
  encode(text: string) {
    check('encode', shapes.text, text);
    return this.text.tokenizer.encode(text);
  }
  decode(ids: ArrayLike<number>) {
    check('decode', shapes.ids, ids);
    return this.text.tokenizer.decode(ids);
  }
  async save(dir: string) {
    check('save', shapes.folder, dir);
    const { text } = this;
    return writeFolderAtomic(dir, async (temporary) => {
      await saveModel(text.lm, text.dir, temporary);
    });
  }
  dispose() {
    this.#text?.lm.dispose();
    this.#text = null;
  }
}

/** @throws UserError for what `loadModel` did not give, or was disposed of */
export function textModelOf(model: unknown): TextModel {
  if (model instanceof OpenModel) return model.text;
  throw new UserError('the first argument is no model; loadModel gives one');
}
