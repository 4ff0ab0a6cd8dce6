/** What the tests of the fused operations share: the backends at hand; random tensors and differences (compare.ts). */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { loadAddon } from '../../src/engine/addon.js';
import { KINDS, type Precision, startEngine } from '../../src/engine/index.js';
import * as tf from '../../src/engine/tf.js';

export * from './compare.js';

export const hasAddon = loadAddon().native !== null;

/** The CUDA kernels compiled for the CPU, where that can be: x86-64, with a C++ compiler. */
function emulatedCuda(): boolean {
  if (process.arch !== 'x64' || process.platform !== 'linux') return false;
  const script = fileURLToPath(new URL('../../kernels/build-cuda.mjs', import.meta.url));
  return spawnSync(process.execPath, [script, '--emulated'], { stdio: 'inherit' }).status === 0;
}

/** Settings of the cuda engine that are here: emulated, and on a GPU. */
export const cudas: string[] = emulatedCuda() ? ['cuda-emulated'] : [];
if ((await KINDS.cuda.needs()).every(({ found }) => found !== null)) cudas.push('cuda');

/** tfjs' own JavaScript backend (every fused operation composed), wasm, and ours where it is built. */
export const backends: string[] = [
  'js',
  'wasm',
  ...(hasAddon ? ['cpu'] : []),
  ...cudas.map((name) => `${name} float32`),
];

/** The same, and ours with activations in bfloat16. */
export const settings: string[] = [
  ...backends,
  ...(hasAddon ? ['cpu bfloat16'] : []),
  ...cudas.map((name) => `${name} bfloat16`),
];

/** Makes one of `settings` the current engine. */
export async function use(name: string): Promise<void> {
  const [engine, precision = 'float32'] = name.split(' ') as [string, Precision?];
  if (engine.startsWith('cuda')) {
    process.env.ILF_CUDA_EMULATED = engine === 'cuda-emulated' ? '1' : '0';
    await startEngine('cuda', { precision });
  } else if (engine === 'cpu' || engine === 'wasm') await startEngine(engine, { precision });
  else {
    await import('@tensorflow/tfjs-backend-cpu');
    await tf.setBackend('cpu');
  }
}
