/** Finds and loads the native addons. Leaves out: building it (kernels/build/cpu.mjs). */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Native } from './native.js';

export type AddonResult<N extends Native> = { native: N; path: string } | { native: null; reason: string };

/** The nearest folder above this file that holds package.json: the same from src/ and from dist/. */
export function packageRoot(): string {
  let dir = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(dir, 'package.json'))) {
    const parent = dirname(dir);
    if (parent === dir) throw new Error('package.json not found above the engine');
    dir = parent;
  }
  return dir;
}

/** Loads build/NAME.node; says why where that fails. Never throws for a missing or broken addon. */
export function loadAddon<N extends Native = Native>(name = 'ilf_cpu'): AddonResult<N> {
  const path = join(packageRoot(), 'build', `${name}.node`);
  if (!existsSync(path)) return { native: null, reason: 'the native addon is not built' };
  try {
    return { native: createRequire(import.meta.url)(path) as N, path };
  } catch (error) {
    const first = String(error instanceof Error ? error.message : error).split('\n')[0];
    return { native: null, reason: `the native addon does not load (${first})` };
  }
}
