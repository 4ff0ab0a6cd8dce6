/** What the tests of the fused operations share: the backends at hand; random tensors and differences (compare.ts). */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { loadAddon } from '../../src/engine/addon.js';
import { ENGINES, type EngineName, KINDS, type Precision, startEngine } from '../../src/engine/index.js';
import * as tf from '../../src/engine/tf.js';
import { buildEmulated } from '../helpers/emulated-cuda.js';

export * from './compare.js';

export const hasAddon = loadAddon().native !== null;

/** What is tested: tfjs' own JavaScript backend, the engines, and the CUDA kernels compiled for the CPU. */
type Backend = 'js' | 'cuda-emulated' | EngineName;

/** Links TensorFlow where ILF_TENSORFLOW_PYTHON names a Python that has it; does nothing where that is done already. */
function linkTensorflow(): void {
  const python = process.env.ILF_TENSORFLOW_PYTHON;
  if (!python) return;
  const script = fileURLToPath(new URL('../../kernels/build/tensorflow-link.mjs', import.meta.url));
  const args = [script, '--python', python];
  const { status, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`ILF_TENSORFLOW_PYTHON: ${stderr}`);
}

/** What keeps a backend from being tested here; null where nothing does. */
async function absence(backend: Backend): Promise<string | null> {
  if (backend === 'js') return null;
  if (backend === 'cuda-emulated') return buildEmulated();
  if (backend === 'tensorflow') linkTensorflow();
  return (await KINDS[backend].needs()).find((need) => need.found === null)?.advice ?? null;
}

const all: readonly Backend[] = ['js', ...ENGINES, 'cuda-emulated'];
/** What keeps each of them from being tested here; null where nothing does. */
export const absences = await Promise.all(all.map(async (name) => ({ name, reason: await absence(name) })));

/** The backends that are here, for the suites to take as parameters. */
export const backends: readonly Backend[] = absences
  .filter(({ reason }) => reason === null)
  .map(({ name }) => name);

/** Those that run the CUDA kernels. */
export const cudas: readonly Backend[] = backends.filter((name) => name.startsWith('cuda'));

export const hasWebgpu = backends.includes('webgpu');

/**
 * Each backend that trains models in the tests, in the precisions that it has; without one, float32: "cpu bfloat16". webgpu is
 * too slow for that on a software GPU (webgpu.test.ts trains a smaller one).
 */
export const settings: readonly string[] = backends
  .filter((name) => name !== 'webgpu')
  .flatMap((name) => {
    const kind = name === 'js' ? null : KINDS[name === 'cuda-emulated' ? 'cuda' : name];
    const others = kind?.precisions.filter((precision) => precision !== 'float32') ?? [];
    return [name, ...others.map((precision) => `${name} ${precision}`)];
  });

/** Makes one of `settings` the current engine. */
export async function use(name: string): Promise<void> {
  const [backend, precision = 'float32'] = name.split(' ') as [Backend, Precision?];
  if (backend !== 'js') {
    process.env.ILF_CUDA_EMULATED = backend === 'cuda-emulated' ? '1' : '0';
    await startEngine(backend === 'cuda-emulated' ? 'cuda' : backend, { precision });
  } else {
    await import('@tensorflow/tfjs-backend-cpu');
    await tf.setBackend('cpu');
  }
}
