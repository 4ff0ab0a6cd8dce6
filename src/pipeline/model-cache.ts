/** The models that a run has open. */
import { openModel, type TextModel } from '../writers/text-model.js';

/** Models opened when first asked for, so that a run whose steps are all done opens none. */
export class ModelCache {
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

/** Models that live as long as `use` runs. */
export async function withModels<T>(use: (models: ModelCache) => Promise<T>): Promise<T> {
  const models = new ModelCache();
  try {
    return await use(models);
  } finally {
    await models.close();
  }
}
