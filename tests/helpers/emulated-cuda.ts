/** The CUDA kernels compiled for the CPU (kernels/emulator), for tests without a GPU. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** Nobody builds what was declared absent (tests/areas). */
const isDeclaredAbsent = (process.env.ILF_TESTS_WITHOUT ?? '').split(',').includes('cuda-emulated');

/** Emulation switches threads in x86-64 assembly. */
export const mayEmulate = process.arch === 'x64' && process.platform === 'linux' && !isDeclaredAbsent;

/** Builds them where they are out of date; why they cannot be, null where they are there. */
export function buildEmulated(): string | null {
  if (!mayEmulate) return isDeclaredAbsent ? 'ILF_TESTS_WITHOUT names it' : 'only on Linux on x64';
  const script = fileURLToPath(new URL('../../kernels/build/cuda.mjs', import.meta.url));
  const { status, stdout } = spawnSync(process.execPath, [script, '--emulated'], { encoding: 'utf8' });
  return status === 0 ? null : stdout.trim();
}
