// Compiles and links an addon: what is out of date, on all cores, and renamed into place only when it is whole.
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

/** kernels/ */
const here = join(dirname(fileURLToPath(import.meta.url)), '..');
/** The repository. */
export const root = join(here, '..');
export const build = join(root, 'build');

/** The first of these commands that runs; a name may carry arguments. */
export function findCompiler(names) {
  for (const name of names) {
    if (!name) continue;
    const [command, ...args] = name.split(' ');
    const result = spawnSync(command, [...args, '--version'], { encoding: 'utf8' });
    if (result.status !== 0) continue;
    const lines = result.stdout.trim().split('\n');
    return { command, args, version: lines.find((line) => /\d\.\d/.test(line)) ?? lines[0] };
  }
  return undefined;
}

export const findCxx = () => findCompiler([process.env.CXX, 'g++', 'clang++', 'c++']);

export const napiFlags = [
  '-DNAPI_VERSION=8',
  `-I${createRequire(import.meta.url)('node-api-headers').include_dir}`,
];

/** The sources of a folder of kernels/. */
export const sources = (folder, ending = '.cc') =>
  readdirSync(join(here, folder))
    .filter((name) => name.endsWith(ending))
    .map((name) => join(here, folder, name));

const modified = (path) => statSync(path).mtimeMs;

/** When a header, or a script that builds, last changed. */
const newestShared = () =>
  Math.max(
    ...readdirSync(here, { recursive: true })
      .filter((name) => /\.(h|def|mjs)$/.test(name))
      .map((name) => modified(join(here, name))),
  );

function run({ command, args }) {
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

/**
 * Builds build/NAME.node. jobs: {source, object (below build/obj/NAME), compiler, flags}; links(objects, target): commands
 * that link, of which the first that succeeds counts.
 * @returns seconds it took, 0 where nothing was to be done; throws an Error that names the log where it fails
 */
export async function buildAddon(name, jobs, links) {
  const target = join(build, `${name}.node`);
  const stampFile = join(build, `${name}.json`);
  const log = join(build, `${name}.log`);
  for (const job of jobs) job.object = join(build, 'obj', name, job.object);
  // What each object was compiled with, so that other flags recompile what they concern only.
  const recipe = ({ compiler, flags }) =>
    [compiler.command, ...compiler.args, compiler.version, ...flags].join(' ');
  const before = readStamp(stampFile);
  const now = Object.fromEntries(jobs.map((job) => [job.object, recipe(job)]));
  const sameJobs = Object.keys(before).length === jobs.length;
  const newest = newestShared();
  const stale = jobs.filter(
    ({ source, object }) =>
      before[object] !== now[object] ||
      !existsSync(object) ||
      modified(object) < Math.max(modified(source), newest),
  );
  const linked = () => existsSync(target) && jobs.every(({ object }) => modified(object) <= modified(target));
  if (stale.length === 0 && sameJobs && linked()) return 0;

  const start = performance.now();
  for (const { object } of jobs) mkdirSync(dirname(object), { recursive: true });
  let output = '';
  let failed = false;
  // Longest first, so that the last worker is not left with a long one.
  const queue = stale.sort((a, b) => statSync(b.source).size - statSync(a.source).size);
  const worker = async () => {
    for (let job = queue.shift(); job && !failed; job = queue.shift()) {
      const { compiler, flags, source, object } = job;
      // Renamed when it is whole: another process may be building, or linking, at the same time.
      const fresh = `${object}.${process.pid}`;
      const args = [...compiler.args, ...flags, '-c', source, '-o', fresh];
      const result = await run({ command: compiler.command, args });
      output += result.output;
      if (result.ok) renameSync(fresh, object);
      else {
        failed = true;
        for (const path of [fresh, object]) rmSync(path, { force: true });
      }
    }
  };
  await Promise.all(Array.from({ length: cpus().length || 1 }, worker));

  if (!failed) {
    const fresh = `${target}.${process.pid}`; // renamed into place: another process may have the old one mapped
    const objects = jobs.map((job) => job.object);
    failed = true;
    for (const link of links(objects, fresh)) {
      const result = await run(link);
      output += result.output;
      failed = !result.ok;
      if (!failed) break;
    }
    if (failed) rmSync(fresh, { force: true });
    else {
      renameSync(fresh, target);
      // Last: what was not linked is not known as compiled.
      const stamp = `${stampFile}.${process.pid}`;
      writeFileSync(stamp, JSON.stringify(now));
      renameSync(stamp, stampFile);
    }
  }
  writeFileSync(log, output);
  if (failed) throw new Error(`compiling failed, see ${log}`);
  return (performance.now() - start) / 1000;
}

/** Commands that link with a C++ compiler; first with its runtime inside: the addon then also loads beside an older one. */
export function cxxLinks(compiler, objects, target) {
  const system =
    process.platform === 'darwin'
      ? ['-undefined', 'dynamic_lookup']
      : ['-Wl,-z,nodelete', '-Wl,--gc-sections'];
  const args = [...compiler.args, '-shared', '-pthread', '-o', target, ...system, ...objects];
  return [
    { command: compiler.command, args: [...args, '-static-libgcc', '-static-libstdc++'] },
    { command: compiler.command, args },
  ];
}
