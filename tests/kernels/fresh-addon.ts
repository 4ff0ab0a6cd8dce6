/** The emulated CUDA addon once more, under other environment variables: it reads its own when it is loaded or first used. */
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { CudaNative } from '../../src/engine/engines/cuda/memory.js';
import { buildEmulated } from '../helpers/emulated-cuda.js';

/** Why there is none; null where there is. */
export const missing = buildEmulated();

/** A copy, since a file that is loaded is not loaded again; gone from the disk at once. */
export function freshAddon(variables: Readonly<Record<string, string>> = {}): CudaNative {
  const folder = mkdtempSync(join(tmpdir(), 'ilf-addon-'));
  const copy = join(folder, 'addon.node');
  copyFileSync(fileURLToPath(new URL('../../build/ilf_cuda_emulated.node', import.meta.url)), copy);
  const before = { ...process.env };
  try {
    Object.assign(process.env, variables);
    const addon = createRequire(import.meta.url)(copy) as CudaNative;
    addon.switches(); // read now
    return addon;
  } finally {
    for (const name of Object.keys(variables)) {
      if (before[name] === undefined) delete process.env[name];
      else process.env[name] = before[name];
    }
    rmSync(folder, { recursive: true, force: true });
  }
}
