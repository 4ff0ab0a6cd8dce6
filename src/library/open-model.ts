/** The inside of the library's models. Its own file: what the public types are declared in must not lead to tfjs' types. */
import { writeFolderAtomic } from '../store/folder.js';
import { saveModel, type TextModel } from '../writers/text-model.js';

export class OpenModel {
  constructor(readonly text: TextModel) {}

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
    return this.text.tokenizer.encode(text);
  }
  decode(ids: ArrayLike<number>) {
    return this.text.tokenizer.decode(ids);
  }
  save(dir: string) {
    return writeFolderAtomic(dir, async (temporary) => {
      await saveModel(this.text.lm, this.text.dir, temporary);
    });
  }
  dispose() {
    this.text.lm.dispose();
  }
}

/** @throws TypeError for what `loadModel` did not give */
export function textModelOf(model: object): TextModel {
  if (model instanceof OpenModel) return model.text;
  throw new TypeError('this is no model of loadModel');
}
