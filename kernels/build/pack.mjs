// npm run pack -- --out DIR [--no-archive]: the program as a folder, and DIR.tar.xz of it, for machines with neither npm nor a network, such as a
// cluster's GPU node: Node's own binary, the program bundled into a few files, the addons, the embedded models, and the benches with
// their peers' scripts. There: DIR/ilf --gpu, DIR/ilf doctor, DIR/ilf bench gpu. It runs on the same system and processor as this one.
import { spawnSync } from 'node:child_process';
import { chmod, copyFile, cp, mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { build } from 'esbuild';
import { root } from './compile.mjs';

const { UserError } = await import('../../dist/src/store/errors.js');
const { writeFolderAtomic } = await import('../../dist/src/store/folder.js');

/** Programs of their own, which others start by their paths. */
const PROGRAMS = ['src/cli/main', 'src/doctor/trial', 'bench/main', 'bench/worker/main'];
/** Taken from node_modules as they are, for their binaries; of onnxruntime-node, those for this system. */
const WHOLE = ['onnxruntime-node', 'onnxruntime-common', '@bokuweb/zstd-wasm'];
/** Bundled; of these the doctor reads the versions. */
const NAMED = ['@tensorflow/tfjs-core', '@xenova/transformers'];
/** Not taken along: engines that find no package say so. */
const ABSENT = [
  '@tensorflow/tfjs-node',
  '@tensorflow/tfjs-node-gpu',
  '@tensorflow/tfjs-backend-webgpu',
  'webgpu',
];

// What CommonJS modules expect to be there; chunks lie beside the WebAssembly files that they look for.
const BANNER = [
  "import { createRequire as ilfRequire } from 'node:module';",
  "import { fileURLToPath as ilfPath } from 'node:url';",
  "import { dirname as ilfDirname } from 'node:path';",
  'var require = ilfRequire(import.meta.url), __filename = ilfPath(import.meta.url), __dirname = ilfDirname(__filename);',
].join('\n');

const LAUNCHER = `#!/bin/sh
# The program of this folder, started from anywhere: it needs no PATH.
self=$(command -p readlink -f "$0" 2>/dev/null) || self=$0
case $self in */*) here=\${self%/*} ;; *) here=. ;; esac
if [ "\${1-}" = bench ]; then
  shift
  exec "$here/node" "$here/program/dist/bench/main.js" "$@"
fi
exec "$here/node" "$here/program/train.js" "$@"
`;

const modules = join(root, 'node_modules');

async function bundle(out) {
  await build({
    entryPoints: PROGRAMS.map((path) => join(root, 'dist', `${path}.js`)),
    outdir: out,
    outbase: join(root, 'dist'),
    bundle: true,
    splitting: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    minifyWhitespace: true,
    external: [...WHOLE, ...ABSENT],
    banner: { js: BANNER },
    legalComments: 'external',
    logLevel: 'error',
  });
  // What is shared lies in chunks at the top, and looks for these beside it.
  await writeFile(join(out, 'trial.js'), "import './src/doctor/trial.js';\n");
  await mkdir(join(out, 'worker'));
  await writeFile(join(out, 'worker', 'main.js'), "import '../bench/worker/main.js';\n");
  const wasm = join(modules, '@tensorflow', 'tfjs-backend-wasm', 'dist');
  for (const file of await readdir(wasm))
    if (file.endsWith('.wasm')) await copyFile(join(wasm, file), join(out, file));
}

/** The package as it is, without other systems' binaries. */
async function copyPackage(name, to) {
  const { platform, arch } = process;
  const here = `/${platform}/${arch}`;
  await cp(join(modules, name), join(to, name), {
    recursive: true,
    filter: (path) => {
      const binary = /\/napi-v\d+(\/[^/]+)(\/[^/]+)?/.exec(path.slice(modules.length));
      return !binary || here.startsWith(`${binary[1]}${binary[2] ?? ''}`);
    },
  });
}

async function pack(dir) {
  const program = join(dir, 'program');
  await bundle(join(program, 'dist'));
  for (const file of ['train.js', 'package.json', 'LICENSE'])
    await copyFile(join(root, file), join(program, file));
  for (const folder of ['models', 'bench/peers', 'bench/models.json'])
    await cp(join(root, folder), join(program, folder), { recursive: true });
  for (const name of WHOLE) await copyPackage(name, join(program, 'node_modules'));
  for (const name of NAMED) {
    await mkdir(join(program, 'node_modules', name), { recursive: true });
    await copyFile(join(modules, name, 'package.json'), join(program, 'node_modules', name, 'package.json'));
  }
  await mkdir(join(program, 'build'));
  const addons = (await readdir(join(root, 'build'))).filter((name) =>
    /^ilf_(cpu|cuda)\.(node|json)$/.test(name),
  );
  for (const name of addons) await copyFile(join(root, 'build', name), join(program, 'build', name));
  await copyFile(process.execPath, join(dir, 'node'));
  await chmod(join(dir, 'node'), 0o755);
  await writeFile(join(dir, 'ilf'), LAUNCHER, { mode: 0o755 });
  return addons;
}

function archive(dir) {
  const made = spawnSync('tar', ['-C', dirname(dir), '-cJf', `${dir}.tar.xz`, basename(dir)], {
    env: { ...process.env, XZ_OPT: '-T0 -3' },
    encoding: 'utf8',
  });
  return made.status === 0 ? `${dir}.tar.xz` : null;
}

async function main() {
  const { values } = parseArgs({ options: { out: { type: 'string' }, 'no-archive': { type: 'boolean' } } });
  if (!values.out) throw new UserError('say where the package goes: npm run pack -- --out DIR');
  const dir = resolve(values.out);
  let addons;
  await writeFolderAtomic(dir, async (temporary) => {
    addons = await pack(temporary);
  });
  const { platform, arch, version } = process;
  console.log(`${dir}: for ${platform} ${arch}, with Node ${version}`);
  for (const [name, how] of [
    ['cpu', 'npm run build:native'],
    ['cuda', 'ILF_CUDA_ARCH=all npm run build:cuda, where nvcc is'],
  ])
    if (!addons.includes(`ilf_${name}.node`))
      console.log(`without the ${name} kernels, which are not built here (${how})`);
  if (values['no-archive']) return;
  await rm(`${dir}.tar.xz`, { force: true });
  console.log(archive(dir) ?? `no ${dir}.tar.xz: tar and xz are not both here`);
}

try {
  await main();
} catch (error) {
  if (!(error instanceof UserError) && !error.code?.startsWith?.('ERR_PARSE_ARGS')) throw error;
  console.error(`error: ${error.message}`);
  process.exitCode = 2;
}
