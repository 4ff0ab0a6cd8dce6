// Builds build/ilf_cuda.node, the kernels for NVIDIA's GPUs, by nvcc 12 or 13: $NVCC, the one in $CUDA_HOME, nvcc, or the
// usual toolkit folder. Does nothing where it is up to date; without nvcc it says so in one line and succeeds. With
// ILF_CUDA_ARCH, neither a GPU nor a driver is needed to build, or to load the addon.
//
// --emulated          instead builds build/ilf_cuda_emulated.node: the same sources for the CPU (tests; see emulator/)
// ILF_CUDA_ARCH=90    for these architectures, separated by commas, and PTX for later ones; "all": 80 and 90. Without it: for the
//                     GPUs that are here, and nothing where there is none
// ILF_SKIP_CUDA=1     build nothing
import { spawnSync } from 'node:child_process';
import { basename, join } from 'node:path';
import { buildAddon, cxxLinks, findCompiler, findCxx, napiFlags, sources } from './compile.mjs';

const emulated = process.argv.includes('--emulated');
const say = (line) => console.log(`CUDA kernels${emulated ? ' for emulation' : ''} ${line}`);

const WARNINGS = ['-Wall', '-Wextra', '-Wno-unknown-pragmas'];
const binding = () => [...sources('binding'), ...sources('binding/cuda')];
const object = (source) => `${basename(source)}.o`;

/** Kernels and binding by the C++ compiler, against the headers in emulator/. */
async function buildEmulated() {
  const compiler = findCxx();
  if (!compiler) throw new Error('no C++ compiler (g++ or clang++)');
  const flags = [
    '-std=c++17',
    '-O2',
    '-g1',
    '-fPIC',
    '-fvisibility=hidden',
    '-pthread',
    '-DILF_EMULATED',
    ...WARNINGS,
  ];
  flags.push(`-I${join(import.meta.dirname, '..', 'emulator')}`, ...napiFlags);
  const jobs = [...sources('cuda', '.cu'), ...sources('cuda'), ...sources('emulator'), ...binding()].map(
    (source) => ({ source, object: object(source), compiler, flags: [...flags, '-x', 'c++'] }),
  );
  return buildAddon('ilf_cuda_emulated', jobs, (objects, target) => cxxLinks(compiler, objects, target));
}

/** Compute capabilities to build for, as nvcc writes them ("90"); none where nobody names any and there is no GPU. */
function architectures() {
  const named = process.env.ILF_CUDA_ARCH;
  if (named) {
    const list = named === 'all' ? ['80', '90'] : named.split(',');
    const wrong = list.find((arch) => !/^\d{2,3}[af]?$/.test(arch));
    if (wrong !== undefined)
      throw new Error(
        `ILF_CUDA_ARCH=${named}: "${wrong}" is no architecture; give numbers such as 80,90, or all`,
      );
    return list;
  }
  const asked = spawnSync('nvidia-smi', ['--query-gpu=compute_cap', '--format=csv,noheader'], {
    encoding: 'utf8',
  });
  const found = asked.status === 0 ? (asked.stdout.match(/^\d+\.\d+$/gm) ?? []) : [];
  return [...new Set(found.map((capability) => capability.replace('.', '')))].sort((a, b) => a - b);
}

/** -gencode options: objects for each architecture, and PTX of the newest, which later GPUs compile when they load it. */
const gencode = (list) => [
  ...list.map((arch) => `-gencode=arch=compute_${arch},code=sm_${arch}`),
  `-gencode=arch=compute_${list.at(-1)},code=compute_${list.at(-1)}`,
];

async function buildForGpu(nvcc, list) {
  const host = ['-fPIC', '-fvisibility=hidden', '-pthread', '-Wall'].flatMap((flag) => ['-Xcompiler', flag]);
  const common = ['-std=c++17', '-O3', ...host, ...napiFlags];
  const kernels = sources('cuda', '.cu').map((source) => ({
    source,
    object: object(source),
    compiler: nvcc,
    flags: [...common, '--expt-relaxed-constexpr', '--expt-extended-lambda', ...gencode(list)],
  }));
  const rest = [...sources('cuda'), ...binding()].map((source) => ({
    source,
    object: object(source),
    compiler: nvcc,
    flags: common,
  }));
  // The static runtime opens the driver when it is first used.
  return buildAddon('ilf_cuda', [...kernels, ...rest], (objects, target) => [
    {
      command: nvcc.command,
      args: ['-shared', '-cudart', 'static', '-o', target, ...objects, '-lpthread', '-ldl'],
    },
  ]);
}

const homes = [process.env.CUDA_HOME, process.env.CUDA_PATH, '/usr/local/cuda'].filter(Boolean);
const nvcc = emulated
  ? null
  : findCompiler([process.env.NVCC, ...homes.map((home) => join(home, 'bin', 'nvcc')), 'nvcc']);
if (process.platform !== 'linux') say('not built: only on Linux');
else if (process.env.ILF_SKIP_CUDA === '1') say('not built: ILF_SKIP_CUDA is set');
else if (!emulated && !nvcc) say('not built: no nvcc (needed only for --engine cuda)');
else
  try {
    const targets = emulated ? null : architectures();
    if (targets?.length === 0) say('not built: no GPU here (ILF_CUDA_ARCH=all builds for one elsewhere)');
    else {
      const seconds = await (targets ? buildForGpu(nvcc, targets) : buildEmulated());
      if (seconds > 0) say(`built in ${seconds.toFixed(1)} s${emulated ? '' : ` (${nvcc.version})`}`);
    }
  } catch (error) {
    say(`not built: ${error.message}`);
    process.exitCode = emulated || process.env.ILF_REQUIRE_CUDA === '1' ? 1 : 0;
  }
