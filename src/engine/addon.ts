/** Finds and loads the native addons. Leaves out: building it (kernels/build/cpu.mjs). */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { packageDir } from '../store/package.js';
import type { Native } from './native.js';

export type AddonResult<N extends Native> = { native: N; path: string } | { native: null; reason: string };

/** Loads build/NAME.node; says why where that fails. Never throws for a missing or broken addon. */
export function loadAddon<N extends Native = Native>(name = 'ilf_cpu'): AddonResult<N> {
  const path = join(packageDir, 'build', `${name}.node`);
  if (!existsSync(path)) return { native: null, reason: 'the native addon is not built' };
  try {
    return { native: createRequire(import.meta.url)(path) as N, path };
  } catch (error) {
    const first = String(error instanceof Error ? error.message : error).split('\n')[0];
    return { native: null, reason: `the native addon does not load (${first})` };
  }
}
