// Builds build/ilf_cpu.node with a plain C++ compiler: $CXX, g++, clang++ or c++. Does nothing where it is up to date.
// Without a compiler it says so in one line and succeeds: the program then runs on the wasm engine.
//
// ILF_REQUIRE_NATIVE=1  fail where the addon cannot be built
// ILF_BUILD_WIDE=1      also builds 64-byte vectors lowered to AVX2, to test the avx512 sources on other CPUs
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import { build, buildAddon, cxxLinks, findCxx, napiFlags, sources } from './compile.mjs';

const NAME = 'ilf_cpu';

function giveUp(why) {
  const cost = existsSync(join(build, `${NAME}.node`))
    ? 'the previous build stays in use'
    : 'the loop will run on the wasm engine, several times slower';
  console.log(`native CPU kernels not built: ${why}; ${cost}`);
  process.exit(process.env.ILF_REQUIRE_NATIVE === '1' ? 1 : 0);
}

/** Whether the compiler takes a flag (GCC 9 has no AVX512-BF16). */
function takes(compiler, flag) {
  const args = [...compiler.args, flag, '-x', 'c++', '-fsyntax-only', '-'];
  return spawnSync(compiler.command, args, { input: '' }).status === 0;
}

/** Instruction sets: namespace, floats of a vector, flags. */
function instructionSets(compiler) {
  const portable = { name: 'portable', lanes: 4, flags: [] };
  if (process.arch !== 'x64') return [portable];
  const sets = [
    portable,
    { name: 'avx2', lanes: 8, flags: ['-march=x86-64-v3'] },
    { name: 'avx512', lanes: 16, flags: ['-march=x86-64-v4', '-mprefer-vector-width=512'] },
  ];
  if (takes(compiler, '-mavx512bf16'))
    sets.push({ name: 'avx512bf16', lanes: 16, flags: [...sets[2].flags, '-mavx512bf16'] });
  if (process.env.ILF_BUILD_WIDE === '1') sets.push({ name: 'wide', lanes: 16, flags: ['-march=x86-64-v3'] });
  return sets;
}

const COMMON = [
  ...['-std=c++17', '-O3', '-fPIC', '-ffp-contract=fast', '-fno-math-errno', '-fno-trapping-math'],
  ...['-fvisibility=hidden', '-Wall', '-Wextra', '-Wno-psabi', '-Wno-ignored-attributes', '-pthread'],
  ...napiFlags,
];

/** Compilations to run. */
function plan(compiler) {
  const sets = instructionSets(compiler);
  const kernels = sets.flatMap((set) =>
    sources('cpu').map((source) => ({
      source,
      object: `${set.name}/${basename(source)}.o`,
      compiler,
      flags: [...COMMON, ...set.flags, `-DILF_NS=${set.name}`, `-DILF_VL=${set.lanes}`, '-fno-exceptions'],
    })),
  );
  const optional = { wide: '-DILF_WIDE', avx512bf16: '-DILF_AVX512BF16' };
  const built = sets.flatMap(({ name }) => optional[name] ?? []);
  const rest = ['runtime', 'binding', 'binding/cpu'].flatMap((folder) =>
    sources(folder).map((source) => ({
      source,
      object: `${folder}/${basename(source)}.o`,
      compiler,
      flags: [...COMMON, ...built],
    })),
  );
  return [...kernels, ...rest];
}

if (process.platform === 'win32') giveUp('no Windows build');
const compiler = findCxx();
if (!compiler) giveUp('no C++ compiler (g++ or clang++)');
try {
  const seconds = await buildAddon(NAME, plan(compiler), (objects, target) =>
    cxxLinks(compiler, objects, target),
  );
  if (seconds > 0) console.log(`native CPU kernels built in ${seconds.toFixed(1)} s (${compiler.version})`);
} catch (error) {
  giveUp(error.message);
}
