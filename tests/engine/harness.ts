/** What the tests of the fused operations share: the backends at hand; random tensors and differences (compare.ts). */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { loadAddon } from '../../src/engine/addon.js';
import { ENGINES, type EngineName, KINDS, type Precision, startEngine } from '../../src/engine/index.js';
import * as tf from '../../src/engine/tf.js';

export * from './compare.js';

export const hasAddon = loadAddon().native !== null;

/** What is tested: tfjs' own JavaScript backend, the engines, and the CUDA kernels compiled for the CPU. */
type Backend = 'js' | 'cuda-emulated' | EngineName;

const script = (name: string) => fileURLToPath(new URL(`../../kernels/${name}`, import.meta.url));

/** Links TensorFlow where ILF_TENSORFLOW_PYTHON names a Python that has it; does nothing where that is done already. */
function linkTensorflow(): void {
  const python = process.env.ILF_TENSORFLOW_PYTHON;
  if (!python) return;
  const args = [script('tensorflow-link.mjs'), '--python', python];
  const { status, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`ILF_TENSORFLOW_PYTHON: ${stderr}`);
}

/** Builds the CUDA kernels for the CPU; does nothing where that is done already. */
function buildEmulated(): string | null {
  if (process.arch !== 'x64' || process.platform !== 'linux') return 'only on Linux on x64';
  const { status, stdout } = spawnSync(process.execPath, [script('build-cuda.mjs'), '--emulated'], {
    encoding: 'utf8',
  });
  return status === 0 ? null : stdout;
}

/** What keeps a backend from being tested here; null where nothing does. */
async function absence(backend: Backend): Promise<string | null> {
  if (backend === 'js') return null;
  if (backend === 'cuda-emulated') return buildEmulated();
  if (backend === 'tensorflow') linkTensorflow();
  return (await KINDS[backend].needs()).find((need) => need.found === null)?.advice ?? null;
}

const all: readonly Backend[] = ['js', ...ENGINES, 'cuda-emulated'];
const absences = await Promise.all(all.map(async (name) => ({ name, reason: await absence(name) })));
for (const { name, reason } of absences)
  if (reason !== null) console.warn(`${name} is not tested: ${reason}`);

/** The backends that are here, for the suites to take as parameters. */
export const backends: readonly Backend[] = absences
  .filter(({ reason }) => reason === null)
  .map(({ name }) => name);

/** Those that run the CUDA kernels. */
export const cudas: readonly Backend[] = backends.filter((name) => name.startsWith('cuda'));

/** Each backend in the precisions that it has; without a precision, float32: "cpu bfloat16". */
export const settings: readonly string[] = backends.flatMap((name) => {
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
