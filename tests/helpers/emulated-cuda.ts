/** The CUDA kernels compiled for the CPU (kernels/emulator), for tests without a GPU. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** Emulation switches threads in x86-64 assembly. */
export const mayEmulate = process.arch === 'x64' && process.platform === 'linux';

/** Builds them where they are out of date; why they cannot be, null where they are there. */
export function buildEmulated(): string | null {
  if (!mayEmulate) return 'only on Linux on x64';
  const script = fileURLToPath(new URL('../../kernels/build/cuda.mjs', import.meta.url));
  const { status, stdout } = spawnSync(process.execPath, [script, '--emulated'], { encoding: 'utf8' });
  return status === 0 ? null : stdout.trim();
}
