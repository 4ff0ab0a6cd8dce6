/** A model's config.json, in Hugging Face's format. */
import { join } from 'node:path';
import { z } from 'zod';
import { UserError } from '../store/errors.js';
import { readJson } from '../store/read-json.js';
import { configOf, type LMConfig } from './architecture.js';
import { ARCHITECTURES } from './architectures/index.js';

/**
 * Reads dir/config.json.
 * @throws UserError if it is absent, malformed, or of a model that we cannot run
 */
export async function readConfig(dir: string): Promise<LMConfig> {
  const path = join(dir, 'config.json');
  const json = await readJson(path, z.looseObject({ model_type: z.string() }));
  const open = Object.hasOwn(ARCHITECTURES, json.model_type) ? ARCHITECTURES[json.model_type] : undefined;
  if (!open) {
    const known = Object.keys(ARCHITECTURES).join(', ');
    throw new UserError(
      `cannot use ${path}: "model_type": "${json.model_type}" is none of the architectures that can be run (${known})`,
    );
  }
  return configOf(await open(), json, `cannot use ${path}`);
}
