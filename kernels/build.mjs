// Builds build/ilf_cpu.node with a plain C++ compiler: $CXX, g++, clang++ or c++. Does nothing where it is up to date.
// Without a compiler it says so in one line and succeeds: the program then runs on the wasm engine.
//
// ILF_REQUIRE_NATIVE=1  fail where the addon cannot be built
// ILF_BUILD_WIDE=1      also builds 64-byte vectors lowered to AVX2, to test the avx512 sources on other CPUs
import { spawn, spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { cpus } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const build = join(here, '..', 'build');
const target = join(build, 'ilf_cpu.node');
const log = join(build, 'native-build.log');

function giveUp(why) {
  const cost = existsSync(target)
    ? 'the previous build stays in use'
    : 'the loop will run on the wasm engine, several times slower';
  console.log(`native CPU kernels not built: ${why}; ${cost}`);
  process.exit(process.env.ILF_REQUIRE_NATIVE === '1' ? 1 : 0);
}

function findCompiler() {
  for (const name of [process.env.CXX, 'g++', 'clang++', 'c++']) {
    if (!name) continue;
    const [command, ...args] = name.split(' ');
    const result = spawnSync(command, [...args, '--version'], { encoding: 'utf8' });
    if (result.status === 0) return { command, args, version: result.stdout.split('\n')[0] };
  }
  return undefined;
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

const sources = (folder) => readdirSync(join(here, folder)).filter((name) => name.endsWith('.cc'));
const headers = (folder) => readdirSync(join(here, folder)).filter((name) => /\.(h|def)$/.test(name));
const modified = (path) => statSync(path).mtimeMs;

/** Compilations to run: source, object, flags. */
function plan(compiler) {
  const include = createRequire(import.meta.url)('node-api-headers').include_dir;
  const common = [
    '-std=c++17',
    '-O3',
    '-fPIC',
    '-ffp-contract=fast',
    '-fno-math-errno',
    '-fno-trapping-math',
  ];
  common.push('-fvisibility=hidden', '-Wall', '-Wextra', '-Wno-psabi', '-Wno-ignored-attributes', '-pthread');
  common.push(`-DNAPI_VERSION=8`, `-I${include}`);
  const jobs = [];
  const sets = instructionSets(compiler);
  for (const set of sets)
    for (const name of sources('cpu')) {
      const flags = [
        ...common,
        ...set.flags,
        `-DILF_NS=${set.name}`,
        `-DILF_VL=${set.lanes}`,
        '-fno-exceptions',
      ];
      jobs.push({
        source: join(here, 'cpu', name),
        object: join(build, 'obj', set.name, `${name}.o`),
        flags,
      });
    }
  const optional = { wide: '-DILF_WIDE', avx512bf16: '-DILF_AVX512BF16' };
  const built = sets.flatMap(({ name }) => optional[name] ?? []);
  for (const folder of ['runtime', 'binding', 'binding/cpu'])
    for (const name of sources(folder))
      jobs.push({
        source: join(here, folder, name),
        object: join(build, 'obj', folder, `${name}.o`),
        flags: [...common, ...built],
      });
  return jobs;
}

function run(command, args) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    child.stdout.on('data', (chunk) => (output += chunk));
    child.stderr.on('data', (chunk) => (output += chunk));
    child.on('error', (error) => resolve({ ok: false, output: `${output}${error}\n` }));
    child.on('close', (code) => resolve({ ok: code === 0, output }));
  });
}

/** Recipes of the last build by object; none where the file is missing or was cut off. */
function readStamp(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return {};
  }
}

async function main() {
  if (process.platform === 'win32') giveUp('no Windows build');
  const compiler = findCompiler();
  if (!compiler) giveUp('no C++ compiler (g++ or clang++)');

  const jobs = plan(compiler);
  const stampFile = join(build, 'native-build.json');
  // What each object was compiled with, so that other flags recompile what they concern only.
  const recipe = ({ flags }) => [compiler.command, ...compiler.args, compiler.version, ...flags].join(' ');
  const before = readStamp(stampFile);
  const now = Object.fromEntries(jobs.map((job) => [job.object, recipe(job)]));
  const sameJobs = Object.keys(before).length === jobs.length;
  const newestHeader = Math.max(
    modified(fileURLToPath(import.meta.url)),
    ...['.', 'cpu', 'runtime', 'binding', 'binding/cpu'].flatMap((f) => headers(f).map((name) => modified(join(here, f, name)))),
  );
  const stale = jobs.filter(
    ({ source, object }) =>
      before[object] !== now[object] ||
      !existsSync(object) ||
      modified(object) < Math.max(modified(source), newestHeader),
  );
  const linked = () => existsSync(target) && jobs.every(({ object }) => modified(object) <= modified(target));
  if (stale.length === 0 && sameJobs && linked()) return;

  const start = performance.now();
  for (const { object } of jobs) mkdirSync(dirname(object), { recursive: true });
  for (const { object } of stale) rmSync(object, { force: true });
  writeFileSync(stampFile, JSON.stringify(now));
  let output = '';
  let failed = false;
  // Longest first, so that the last worker is not left with a long one.
  const queue = stale.sort((a, b) => statSync(b.source).size - statSync(a.source).size);
  const worker = async () => {
    for (let job = queue.shift(); job && !failed; job = queue.shift()) {
      const result = await run(compiler.command, [
        ...compiler.args,
        ...job.flags,
        '-c',
        job.source,
        '-o',
        job.object,
      ]);
      output += result.output;
      if (!result.ok) failed = true;
      if (!result.ok) rmSync(job.object, { force: true });
    }
  };
  await Promise.all(Array.from({ length: cpus().length || 1 }, worker));

  if (!failed) {
    const fresh = `${target}.${process.pid}`; // renamed into place: another process may have the old one mapped
    const system =
      process.platform === 'darwin'
        ? ['-undefined', 'dynamic_lookup']
        : ['-Wl,-z,nodelete', '-Wl,--gc-sections'];
    const link = [
      ...compiler.args,
      '-shared',
      '-pthread',
      '-o',
      fresh,
      ...system,
      ...jobs.map((job) => job.object),
    ];
    // Static C++ runtime where the compiler has one: the addon then also loads beside an older libstdc++.
    let result = await run(compiler.command, [...link, '-static-libgcc', '-static-libstdc++']);
    if (!result.ok) result = await run(compiler.command, link);
    output += result.output;
    failed = !result.ok;
    if (!failed) renameSync(fresh, target);
    else rmSync(fresh, { force: true });
  }
  writeFileSync(log, output);
  if (failed) giveUp(`compiling failed, see ${log}`);
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  console.log(`native CPU kernels built in ${seconds} s (${compiler.version})`);
}

await main();
