// How nvcc compiles the kernels: for cuda.mjs, and for the test of what they need of a GPU.
import { join } from 'node:path';
import { findCompiler } from './compile.mjs';

const homes = [process.env.CUDA_HOME, process.env.CUDA_PATH, '/usr/local/cuda'].filter(Boolean);

/** nvcc: $NVCC, the one in $CUDA_HOME, the usual toolkit folder, the path. */
export const findNvcc = () =>
  findCompiler([process.env.NVCC, ...homes.map((home) => join(home, 'bin', 'nvcc')), 'nvcc']);

/** For every source. */
export const hostFlags = [
  '-std=c++17',
  '-O3',
  ...['-fPIC', '-fvisibility=hidden', '-pthread', '-Wall'].flatMap((flag) => ['-Xcompiler', flag]),
];
/** For those with kernels. */
export const kernelFlags = ['--expt-relaxed-constexpr', '--expt-extended-lambda'];

/** Hopper has instructions (wgmma) that only code for it alone may have, "sm_90a"; PTX with them would run nowhere else. */
const code = (arch) => (arch === '90' ? '90a' : arch);
const portable = (arch) => arch.replace(/[af]$/, '');

const newest = (list) => String(Math.max(...list.map((arch) => Number(portable(arch)))));

/** -gencode options: objects for each architecture, and PTX of the newest, which later GPUs compile when they load it. */
export const gencode = (list) => [
  ...list.map((arch) => `-gencode=arch=compute_${code(arch)},code=sm_${code(arch)}`),
  `-gencode=arch=compute_${newest(list)},code=compute_${newest(list)}`,
];
