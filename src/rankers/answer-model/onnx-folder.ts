/** What a folder with an onnx/model.onnx says of it, checked before others' code reads it. */
import type { Dirent } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { asUserError, UserError } from '../../store/errors.js';
import { requireFile } from '../../store/read-bytes.js';
import { readJson, readJsonIfThere } from '../../store/read-json.js';

const count = z.number().int().positive();
const chunks = z.union([z.boolean().transform(Number), z.number().int().min(0).max(100)]);
const configSchema = z.looseObject({
  model_type: z.string(),
  n_positions: count.optional(),
  max_position_embeddings: count.optional(),
  vocab_size: count.optional(),
  'transformers.js_config': z
    .looseObject({
      /** Files beside model.onnx that hold its weights: how many, or how many of each. */
      use_external_data_format: z.union([chunks, z.record(z.string(), chunks)]).nullish(),
    })
    .nullish(),
});

/** config.json, without what it says of how to run the model. */
export interface OnnxConfig {
  n_positions?: number | undefined;
  max_position_embeddings?: number | undefined;
  vocab_size?: number | undefined;
}

/** @throws UserError for a config.json that cannot be used, and for files of the model that are not there or no files */
export async function readOnnxConfig(dir: string): Promise<OnnxConfig> {
  const path = join(dir, 'config.json');
  const { 'transformers.js_config': how, ...config } = await readJson(path, configSchema);
  // Read by the library, too.
  await readJsonIfThere(join(dir, 'generation_config.json'), z.looseObject({}));
  const folder = join(dir, 'onnx');
  let found: Dirent[];
  try {
    found = await readdir(folder, { withFileTypes: true });
  } catch (error) {
    throw asUserError(error, 'read', folder);
  }
  // Any of them may hold weights.
  for (const entry of found)
    if (entry.name === 'model.onnx' || !entry.isDirectory()) await requireFile(join(folder, entry.name));
  const names = found.map(({ name }) => name);
  const external = how?.use_external_data_format;
  const many = typeof external === 'object' ? (external?.['model.onnx'] ?? external?.model) : external;
  for (let i = 0; i < (many ?? 0); i++) {
    const name = `model.onnx_data${i === 0 ? '' : `_${i}`}`;
    if (!names.includes(name))
      throw new UserError(
        `cannot use ${path}: it says that the weights are in onnx/${name}, which is not there`,
      );
  }
  return config;
}
