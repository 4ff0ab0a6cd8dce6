/** Models on disk, in the Hugging Face folder layout: config.json and model.safetensors. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomic } from '../store/atomic.js';
import { writeSafetensors } from '../store/safetensors.js';
import { CausalLM } from './model.js';
import { readModelFolder } from './model-folder.js';

/** Loads a model folder; see readModelFolder for what is refused. */
export async function loadLM(dir: string): Promise<CausalLM> {
  const { config, values } = await readModelFolder(dir);
  return CausalLM.from(config, values, dir);
}

/** Writes the model into dir (made if absent); each file appears whole or not at all, the weights last. */
export async function saveLM(lm: CausalLM, dir: string): Promise<void> {
  await mkdir(dir, { recursive: true });
  await writeFileAtomic(join(dir, 'config.json'), `${JSON.stringify(lm.config.json, null, 2)}\n`);
  const tensors = [...lm.params].map(([name, v]) => ({
    name,
    shape: v.shape,
    data: v.dataSync() as Float32Array,
  }));
  await writeSafetensors(join(dir, 'model.safetensors'), tensors, { format: 'pt' });
}
