// npm run tensorflow:link -- --python PATH
//
// Builds the binding that @tensorflow/tfjs-node-gpu (or tfjs-node) ships as source against the TensorFlow of a Python, so
// that a current TensorFlow, with its CUDA where it has one, runs under tfjs-node; the package's own installer knows
// TensorFlow 2.9 only. Writes build/tensorflow/: tfjs_binding.node, quiet.node (kernels/tensorflow/quiet.cc), and link.json,
// which says what it was built for; src/engine/engines/tensorflow/find.ts reads it. Does nothing where it is up to date.
//
// Exit status: 0 linked, 1 compiling or loading failed, 2 bad input. One line for each.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { findCxx } from './compile.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const out = join(root, 'build', 'tensorflow');
const log = join(out, 'link.log');
const require = createRequire(import.meta.url);
const USAGE = 'usage: npm run tensorflow:link -- --python PATH (a Python that has TensorFlow)';

function stop(status, message) {
  console.error(`tensorflow:link: ${message}`);
  process.exit(status);
}

function pythonFrom(args) {
  try {
    const { values } = parseArgs({
      args,
      options: { python: { type: 'string' }, help: { type: 'boolean' } },
    });
    if (values.help) {
      console.log(USAGE);
      process.exit(0);
    }
    if (!values.python) stop(2, `--python is missing; ${USAGE}`);
    // A bare name is looked up in the PATH, as a shell does.
    const from = process.env.INIT_CWD ?? '.'; // Where npm was started.
    return values.python.includes('/') ? resolve(from, values.python) : values.python;
  } catch (error) {
    stop(2, `${error.message.split('. ')[0]}; ${USAGE}`);
  }
}

/** The folder of that Python's tensorflow package, which is looked up but not imported. */
function tensorflowOf(python) {
  const script =
    'import importlib.util as u; s = u.find_spec("tensorflow"); print(s.submodule_search_locations[0] if s else "")';
  const { status, stdout, stderr, error } = spawnSync(python, ['-c', script], { encoding: 'utf8' });
  if (error)
    stop(2, `${python} does not run (${error.code ?? error.message}); give --python the path of a Python`);
  if (status !== 0) stop(2, `${python} fails: ${stderr.trim().split('\n').at(-1)}`);
  const folder = stdout.trim();
  if (!folder) stop(2, `${python} has no TensorFlow; run "${python} -m pip install tensorflow"`);
  return folder;
}

/** The npm package whose binding is built. */
function npmPackage() {
  for (const name of ['@tensorflow/tfjs-node-gpu', '@tensorflow/tfjs-node']) {
    try {
      const file = require.resolve(`${name}/package.json`);
      return { folder: dirname(file), id: `${name}@${JSON.parse(readFileSync(file, 'utf8')).version}` };
    } catch {}
  }
  return stop(
    2,
    '@tensorflow/tfjs-node-gpu is not installed; run "npm install --no-save --ignore-scripts @tensorflow/tfjs-node-gpu@4.22.0"',
  );
}

function libraries(tensorflow) {
  const name = (part) => (process.platform === 'darwin' ? `lib${part}.2.dylib` : `lib${part}.so.2`);
  const paths = ['tensorflow_cc', 'tensorflow_framework'].map((part) => join(tensorflow, name(part)));
  for (const path of [join(tensorflow, 'include', 'tensorflow', 'c', 'eager', 'c_api.h'), ...paths])
    if (!existsSync(path))
      stop(
        2,
        `${path} is missing: this TensorFlow cannot be linked; install tensorflow 2.18 or later with pip`,
      );
  return paths;
}

/** Compiles and links one addon, renamed into place when it is whole: another process may have the old one mapped. */
function compile(compiler, name, args) {
  const target = join(out, `${name}.node`);
  const fresh = `${target}.${process.pid}`;
  const system = process.platform === 'darwin' ? ['-undefined', 'dynamic_lookup'] : [];
  const flags = [
    '-std=c++17',
    '-O2',
    '-fPIC',
    '-shared',
    '-DNAPI_VERSION=8',
    `-DNODE_GYP_MODULE_NAME=${name}`,
  ];
  const include = `-I${require('node-api-headers').include_dir}`;
  const { status, stderr } = spawnSync(
    compiler.command,
    [...compiler.args, ...flags, include, ...args, ...system, '-o', fresh],
    { encoding: 'utf8' },
  );
  writeFileSync(log, stderr, { flag: 'a' });
  if (status === 0) return renameSync(fresh, target);
  rmSync(fresh, { force: true });
  stop(1, `compiling ${name} failed, see ${log}`);
}

/** What the binding says of itself, in a process of its own: a library that does not fit may crash. */
function tryBinding() {
  const script = `const b = require(process.argv[1]).quietly(() => require(process.argv[2]));
    console.log(JSON.stringify({ tensorflow: b.TF_Version, gpu: b.isUsingGpuDevice() }))`;
  const paths = [join(out, 'quiet.node'), join(out, 'tfjs_binding.node')];
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, ['-e', script, ...paths], {
    encoding: 'utf8',
  });
  if (status === 0) return JSON.parse(stdout);
  const why = stderr.split('\n').find((line) => /Error/.test(line)) ?? signal ?? `exit status ${status}`;
  return stop(1, `the binding was built but does not load: ${why}`);
}

const python = pythonFrom(process.argv.slice(2));
if (process.platform === 'win32') stop(2, 'no Windows build');
const tensorflow = tensorflowOf(python);
const { folder, id } = npmPackage();
const paths = libraries(tensorflow);
const { size, mtimeMs } = statSync(paths[0]);
const quiet = join(root, 'kernels', 'tensorflow', 'quiet.cc');
const source = createHash('sha256').update(readFileSync(quiet)).digest('hex').slice(0, 16);
// Node-API is one ABI for all versions of Node, so only its version is part of it.
const target = { python, library: paths[0], bytes: size, modified: mtimeMs, package: id, nodeApi: 8, source };
const file = join(out, 'link.json');
try {
  const { version, gpu, ...before } = JSON.parse(readFileSync(file, 'utf8'));
  if (JSON.stringify(before) === JSON.stringify(target) && existsSync(join(out, 'tfjs_binding.node'))) {
    console.log(`TensorFlow ${version} of ${python} is linked already`);
    process.exit(0);
  }
} catch {} // None yet, or cut off.

const start = performance.now();
mkdirSync(out, { recursive: true });
for (const path of [log, file]) rmSync(path, { force: true });
const compiler = findCxx() ?? stop(2, 'no C++ compiler (g++ or clang++; CXX names another)');
compile(compiler, 'quiet', [quiet]);
const sources = ['tfjs_backend.cc', 'tfjs_binding.cc'].map((name) => join(folder, 'binding', name));
const includes = [`-I${join(tensorflow, 'include')}`, `-I${folder}`];
compile(compiler, 'tfjs_binding', [...includes, ...sources, ...paths, `-Wl,-rpath,${tensorflow}`]);
const { tensorflow: version, gpu } = tryBinding();
writeFileSync(`${file}.${process.pid}`, `${JSON.stringify({ ...target, version, gpu }, null, 2)}\n`);
renameSync(`${file}.${process.pid}`, file);
const seconds = ((performance.now() - start) / 1000).toFixed(1);
console.log(`linked TensorFlow ${version} of ${python} in ${seconds} s; it sees ${gpu ? 'a GPU' : 'no GPU'}`);
