/** Models on disk, in the Hugging Face folder layout: config.json and model.safetensors. */
import { join } from 'node:path';
import { globalNorm } from '../engine/fused.js';
import { writeFileAtomic } from '../store/atomic.js';
import { makeFolder } from '../store/destination.js';
import { UserError } from '../store/errors.js';
import { firstNotFinite } from '../store/finite.js';
import { writeSafetensors } from '../store/safetensors.js';
import type { Json } from './architecture.js';
import { CausalLM } from './model.js';
import { readModelFolder } from './model-folder.js';

/** Loads a model folder; see readModelFolder for what is refused. @throws UserError for weights that are not finite, too */
export async function loadLM(dir: string): Promise<CausalLM> {
  const { config, values } = await readModelFolder(dir);
  const lm = CausalLM.from(config, values, dir);
  try {
    checkFinite(lm, dir);
  } catch (error) {
    lm.dispose();
    throw error;
  }
  return lm;
}

/** The norm takes the engine a fiftieth of the time of reading; only where it is not finite, every number is looked at. */
function checkFinite(lm: CausalLM, dir: string): void {
  if (Number.isFinite(globalNorm([...lm.params.values()]))) return;
  for (const [name, v] of lm.params) {
    const bad = firstNotFinite(v.dataSync() as Float32Array);
    if (bad !== undefined)
      throw new UserError(
        `${join(dir, 'model.safetensors')}: ${name} holds ${bad}: the file is damaged, or its training diverged; take another model`,
      );
  }
}

/**
 * Writes the model into dir (made if absent); each file appears whole or not at all, the weights last. `ids` are what else config.json
 * is to say: of the tokens that begin and end a text.
 */
export async function saveLM(lm: CausalLM, dir: string, ids: Json = {}): Promise<void> {
  await makeFolder(dir);
  await writeFileAtomic(
    join(dir, 'config.json'),
    `${JSON.stringify({ ...lm.config.json, ...ids }, null, 2)}\n`,
  );
  const tensors = [...lm.params].map(([name, v]) => ({
    name,
    shape: v.shape,
    data: v.dataSync() as Float32Array,
  }));
  await writeSafetensors(join(dir, 'model.safetensors'), tensors, { format: 'pt' });
}
