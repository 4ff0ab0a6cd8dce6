/** What a model folder in the Hugging Face layout holds, checked: config.json and the numbers of model.safetensors. */
import { join } from 'node:path';
import { UserError } from '../store/errors.js';
import { type NamedTensor, readSafetensors } from '../store/safetensors.js';
import type { LMConfig } from './architecture.js';
import { readConfig } from './config.js';

/** A model's parameters by their names, complete and of the right shapes, and what config.json says of them. */
export interface ModelFolder {
  config: LMConfig;
  values: Map<string, Float32Array>;
}

/**
 * Reads a model folder: names with or without the prefix of files of whole models; buffers, and the head where it is
 * the embedding, are left out.
 * @throws UserError for missing, unknown or misshaped tensors, and for a head that differs from the embedding where
 * config.json says that they are tied
 */
export async function readModelFolder(dir: string): Promise<ModelFolder> {
  const config = await readConfig(dir);
  const { names, prefix, buffers, modelType } = config.architecture;
  const path = join(dir, 'model.safetensors');
  const shapes = new Map(config.parameters.map(({ name, shape }) => [name, shape]));
  const values = new Map<string, Float32Array>();
  const [head, embedding] = [`${names.head}.weight`, `${names.embedding}.weight`];
  let tied: NamedTensor | undefined;
  for (const tensor of (await readSafetensors(path)).values()) {
    const { name: full, shape, data } = tensor;
    const name = full.startsWith(prefix) ? full.slice(prefix.length) : full;
    const expected = shapes.get(name);
    if (expected) {
      if (expected.join() !== shape.join()) {
        throw new UserError(`${path}: ${full} has the shape [${shape}], config.json needs [${expected}]`);
      }
      values.set(name, data);
    } else if (name === head) tied = tensor;
    else if (!buffers.test(name))
      throw new UserError(`${path}: unknown tensor ${full}, which no ${modelType} model has`);
  }
  // Files that hold tied weights once hold them by either name.
  const shape = shapes.get(embedding)!.join();
  if (tied && !values.has(embedding) && shape === tied.shape.join()) values.set(embedding, tied.data);
  for (const name of shapes.keys()) {
    if (!values.has(name)) throw new UserError(`${path}: the tensor ${name} is missing`);
  }
  const wte = values.get(embedding)!;
  if (tied && (tied.data.length !== wte.length || tied.data.some((x, i) => x !== wte[i]))) {
    throw new UserError(
      `${path}: ${head} differs from ${embedding}, though config.json says that they are tied`,
    );
  }
  return { config, values };
}
