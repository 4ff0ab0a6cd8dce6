/** `cuda`: ours, for NVIDIA's GPUs. */
import { UserError } from '../../../store/errors.js';
import { loadAddon } from '../../addon.js';
import { NativeBackend } from '../../backend.js';
import { registerKernels } from '../../kernels.js';
import * as tf from '../../tf.js';
import { type EngineKind, missingOf, type Need } from '../kind.js';
import { findCublasLt } from './cublaslt.js';
import { cudaKernels } from './kernels.js';
import { CudaMemory, type CudaNative } from './memory.js';

const BACKEND = 'ilf-cuda';
/** ILF_CUDA_EMULATED=1: the kernels compiled for the CPU, for tests without a GPU (node kernels/build/cuda.mjs --emulated). */
const addonName = () => (process.env.ILF_CUDA_EMULATED === '1' ? 'ilf_cuda_emulated' : 'ilf_cuda');
let registered = false;

const products = (found: string): Need => ({ what: 'matrix products', found, advice: '' });
const OURS = 'kernels of ours';
let isToldOf = false;

/** CUDA's own numbers: 12040 is 12.4. */
const version = (n: number) => `${Math.floor(n / 1000)}.${Math.floor((n % 1000) / 10)}`;
const reason = (error: unknown) => String(error instanceof Error ? error.message : error).split('\n')[0]!;

function addonNeed(): Need & { native: CudaNative | null } {
  const addon = loadAddon<CudaNative>(addonName());
  const why = !addon.native
    ? addon.reason
    : !addon.native.switches
      ? 'the native addon is of an earlier version'
      : null;
  return {
    what: 'CUDA addon',
    found: why === null ? `build/${addonName()}.node` : null,
    advice:
      why === null ? '' : `${why}; run "npm run build:cuda" (needs nvcc of CUDA 12 or 13 and a C++ compiler)`,
    native: why === null ? addon.native : null,
  };
}

/** The GPU and its driver; the addon must be there to look. */
function gpuNeed(native: CudaNative): Need {
  try {
    const { name, major, minor, memory, driver, runtime } = native.device();
    const found = `${name} (compute capability ${major}.${minor}, ${Math.round(memory / 2 ** 30)} GiB), driver for CUDA ${version(driver)}, runtime ${version(runtime)}`;
    if (major < 8)
      return {
        what: 'GPU',
        found: null,
        advice: `${name} is too old: bfloat16 needs compute capability 8.0`,
      };
    return { what: 'GPU', found, advice: '' };
  } catch (error) {
    return { what: 'GPU', found: null, advice: reason(error).replace(/^device: (?:CUDA: )?/, '') };
  }
}

/** What multiplies matrices: ours does where cuBLASLt is turned off or not to be found. */
function blasNeed(native: CudaNative): Need {
  if (!native.switches().library) return products(`${OURS}: ILF_CUDA_BLAS=plain`);
  const tried = findCublasLt();
  let why = '';
  for (const path of [...tried, undefined]) {
    try {
      return products(native.openBlas(path));
    } catch (error) {
      why = reason(error);
    }
  }
  const advice =
    'install the CUDA toolkit, or "pip install nvidia-cublas", or name libcublasLt.so in ILF_CUBLASLT';
  return products(`${OURS}, which are much slower: ${why}; ${advice}`);
}

async function needs(): Promise<Need[]> {
  const { native, ...addon } = addonNeed();
  return native ? [addon, gpuNeed(native), blasNeed(native)] : [addon];
}

export const cuda: EngineKind = {
  name: 'cuda',
  precisions: ['bfloat16', 'float32'],
  needs,
  async gpu() {
    return gpuNeed(addonNeed().native!);
  },

  async start(precision) {
    const all = await needs();
    const missing = missingOf(all);
    if (missing) throw new UserError(`engine cuda: no ${missing.what}: ${missing.advice}`);
    const by = all.at(-1)!.found!;
    if (by.startsWith(`${OURS},`) && !isToldOf) console.error(`engine cuda: matrix products by ${by}`);
    isToldOf = true;
    const { native } = addonNeed();
    if (!registered) {
      registerKernels(BACKEND, cudaKernels);
      tf.registerBackend(BACKEND, () => new NativeBackend(BACKEND, native!, new CudaMemory(native!)));
      registered = true;
    }
    if (!(await tf.setBackend(BACKEND))) throw new Error('the cuda engine did not start');
    (tf.backend() as NativeBackend).precision = precision;
    const { name } = native!.device();
    return { name: 'cuda', precision, native: null, describe: () => `cuda (${name}, ${precision})` };
  },
};
