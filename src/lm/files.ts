/** Models on disk, in the Hugging Face folder layout: config.json and model.safetensors. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomic } from '../store/atomic.js';
import { UserError } from '../store/errors.js';
import { readSafetensors, writeSafetensors } from '../store/safetensors.js';
import { readConfig } from './config.js';
import { CausalLM, parameterShapes } from './model.js';

/** Causal masks that old checkpoints carry as tensors. */
const isMask = (name: string) => /^h\.\d+\.attn\.(masked_)?bias$/.test(name);

/**
 * Loads a GPT-2-shaped model: names with or without "transformer.", a duplicate lm_head.weight and mask
 * buffers ignored. Throws UserError for missing, unknown or misshaped tensors, and for an lm_head that is not
 * tied to wte.
 */
export async function loadLM(dir: string): Promise<CausalLM> {
  const config = await readConfig(dir);
  const path = join(dir, 'model.safetensors');
  const values = new Map<string, Float32Array>();
  const shapes = parameterShapes(config);
  let head: Float32Array | undefined;
  for (const { name: full, shape, data } of (await readSafetensors(path)).values()) {
    const name = full.replace(/^transformer\./, '');
    const expected = shapes.get(name);
    if (name === 'lm_head.weight') head = data;
    else if (expected) {
      if (expected.join() !== shape.join()) {
        throw new UserError(`${path}: ${full} has the shape [${shape}], config.json needs [${expected}]`);
      }
      values.set(name, data);
    } else if (!isMask(name))
      throw new UserError(`${path}: unknown tensor ${full}; only GPT-2 models can be loaded`);
  }
  for (const name of shapes.keys()) {
    if (!values.has(name)) throw new UserError(`${path}: the tensor ${name} is missing`);
  }
  const wte = values.get('wte.weight')!;
  if (head && (head.length !== wte.length || head.some((x, i) => x !== wte[i]))) {
    throw new UserError(
      `${path}: lm_head.weight differs from wte.weight; only tied output layers are supported`,
    );
  }
  return CausalLM.from(config, values);
}

/** Writes the model into dir (made if absent); each file appears whole or not at all, the weights last. */
export async function saveLM(lm: CausalLM, dir: string): Promise<void> {
  await mkdir(dir, { recursive: true });
  await writeFileAtomic(join(dir, 'config.json'), `${JSON.stringify(lm.config, null, 2)}\n`);
  const tensors = [...lm.params].map(([name, v]) => ({
    name,
    shape: v.shape,
    data: v.dataSync() as Float32Array,
  }));
  await writeSafetensors(join(dir, 'model.safetensors'), tensors, { format: 'pt' });
}
