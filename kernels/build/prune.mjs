// Removes the binaries for other systems that onnxruntime-node and webgpu bring (350 MB of 410), after `npm ci` in this project's own
// folder. Where this package is a dependency it touches nothing (npm runs `prepare` in the root project only): a program that is built
// for another system needs them. ILF_ALL_PLATFORMS=1 keeps them.
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const modules = fileURLToPath(new URL('../../node_modules/', import.meta.url));
const { platform, arch } = process;

/** Removes all folders in `parts` but those that `keep` accepts; what is not there needs no removing. */
function keepOnly(parts, keep) {
  const folder = join(modules, ...parts);
  let names;
  try {
    names = readdirSync(folder);
  } catch {
    return;
  }
  for (const name of names)
    if (/^(darwin|linux|win32)/.test(name) || /^(arm64|x64)$/.test(name))
      if (!keep(name)) rmSync(join(folder, name), { recursive: true, force: true });
}

if (process.env.ILF_ALL_PLATFORMS !== '1') {
  const bin = ['onnxruntime-node', 'bin', 'napi-v6'];
  keepOnly(bin, (name) => name === platform);
  keepOnly([...bin, platform], (name) => name === arch);
  keepOnly(['webgpu', 'dist'], (name) => name === `${platform}-${arch}` || name === `${platform}-universal`);
}
