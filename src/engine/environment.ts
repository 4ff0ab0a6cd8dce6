/** The environment variables that the engines read, checked: a value that means nothing is an error, not silence. */
import { UserError } from '../store/errors.js';
import { isCublasLt } from './engines/cuda/cublaslt.js';
import { isThreads, MOST_THREADS } from './engines/kind.js';

const isSwitch = (value: string) => value === '0' || value === '1';

/** By name: whether a value can be used, and what must be given. Which instruction sets this CPU has, the engine cpu knows. */
const VARIABLES: Record<string, [isOk: (value: string) => boolean, needed: string]> = {
  ILF_THREADS: [
    (value) => /^\d+$/.test(value) && isThreads(Number(value)),
    `it must be a whole number from 1 to ${MOST_THREADS}`,
  ],
  ILF_ISA: [
    (value) => /^(portable|wide|avx\w+)$/.test(value),
    'it must be portable, avx2, avx512 or avx512bf16',
  ],
  ILF_CUDA_EMULATED: [isSwitch, 'it must be 0 or 1'],
  // Read by kernels/cuda/switches.cc.
  ILF_CUDA_OVERLAP: [isSwitch, 'it must be 0 or 1'],
  ILF_CUDA_GRAPHS: [isSwitch, 'it must be 0 or 1'],
  ILF_CUDA_BLAS: [
    (value) => value === 'plain' || value === 'cublaslt',
    'it must be cublaslt, or plain, which is without it',
  ],
  // Read by kernels/cuda/hopper.cu.
  ILF_CUDA_HOPPER: [isSwitch, 'it must be 0 or 1'],
  ILF_CUBLASLT: [isCublasLt, 'it must be libcublasLt.so.12 or .13, or its folder'],
};

/** @throws UserError for a variable that is set to something that cannot be meant; an empty one is as none */
export function checkEnvironment(env: NodeJS.ProcessEnv = process.env): void {
  for (const [name, [isOk, needed]] of Object.entries(VARIABLES)) {
    const value = env[name];
    if (value && !isOk(value))
      throw new UserError(`${name}=${value} in the environment: ${needed}; or unset it`);
  }
}

/** Those of them that are set, as a shell writes them. */
export const setVariables = (env: NodeJS.ProcessEnv = process.env): string[] =>
  Object.keys(VARIABLES)
    .filter((name) => env[name])
    .map((name) => `${name}=${env[name]}`);
