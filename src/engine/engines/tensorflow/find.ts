/**
 * Finds what the engine `tensorflow` is made of, without loading any of it: the npm package, its native binding, and the
 * TensorFlow library that the binding loads.
 */
import { existsSync, readdirSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { packageDir } from '../../../store/package.js';
import type { Need } from '../kind.js';

const PACKAGES = ['@tensorflow/tfjs-node-gpu', '@tensorflow/tfjs-node'];
const LINK = 'npm run tensorflow:link -- --python PATH';
const INSTALL = 'npm install --no-save --ignore-scripts @tensorflow/tfjs-node-gpu@4.22.0';

/** What kernels/build/tensorflow-link.mjs writes beside the binding that it builds. */
interface Link {
  python: string;
  /** libtensorflow_cc of that Python, and its size and time, by which another version is noticed. */
  library: string;
  bytes: number;
  modified: number;
  /** The npm package whose source it was built from, "name@version". */
  package: string;
  /** TensorFlow's version. */
  version: string;
}

export interface Found {
  package: { name: string; version: string; folder: string };
  binding: {
    path: string;
    /** The addon that keeps standard error silent while TensorFlow loads; null beside an npm package's own binding. */
    quiet: string | null;
  };
}

function findPackage(): Found['package'] | null {
  const { resolve } = createRequire(import.meta.url);
  for (const name of PACKAGES) {
    try {
      const file = resolve(`${name}/package.json`);
      const { version } = JSON.parse(readFileSync(file, 'utf8')) as { version: string };
      return { name, version, folder: dirname(file) };
    } catch {
      // Not installed, or its installer failed and npm took it away.
    }
  }
  return null;
}

/** link.json, null where there is none or where it was cut off. */
function readLink(folder: string): Link | null {
  try {
    return JSON.parse(readFileSync(join(folder, 'link.json'), 'utf8')) as Link;
  } catch {
    return null;
  }
}

/** Why a linked binding no longer fits what is installed; null where it does. */
function changed(link: Link, { name, version }: Found['package']): string | null {
  const id = `${name}@${version}`;
  if (link.package !== id) return `it was built from ${link.package}, and ${id} is installed`;
  const now = statSync(link.library, { throwIfNoEntry: false });
  if (!now) return `its TensorFlow is gone: ${link.library}`;
  if (now.size !== link.bytes || now.mtimeMs !== link.modified)
    return `it was built for TensorFlow ${link.version}, which ${link.python} no longer has as it was`;
  return null;
}

/** The binding that the package's own installer downloads or builds, and the version in its library's file name. */
function ownBinding(folder: string): { path: string; version: string } | null {
  const lib = join(folder, 'lib');
  const versions = existsSync(lib) ? readdirSync(lib) : [];
  const path = versions.map((name) => join(lib, name, 'tfjs_binding.node')).findLast((at) => existsSync(at));
  if (!path) return null;
  const library = ['libtensorflow.so.2', 'libtensorflow.2.dylib']
    .map((name) => join(folder, 'deps', 'lib', name))
    .find((at) => existsSync(at));
  const version = library && /\d+\.\d+\.\d+/.exec(basename(realpathSync(library)))?.[0];
  return { path, version: version ?? 'of unknown version' };
}

/** All that the engine needs, and the paths where nothing is missing. Never throws. */
export function findTensorflow(): { needs: Need[]; found: Found | null } {
  const found = findPackage();
  const need = (what: string, found: string | null, advice: string): Need => ({ what, found, advice });
  const tfjs = need('tfjs-node', found && `${found.name} ${found.version}`, `run "${INSTALL}"`);
  if (!found) return { needs: [tfjs, need('TensorFlow', null, `then run "${LINK}"`)], found: null };
  const folder = join(packageDir, 'build', 'tensorflow');
  const link = readLink(folder);
  const path = join(folder, 'tfjs_binding.node');
  if (link && existsSync(path)) {
    const why = changed(link, found);
    const version = why === null ? `${link.version} of ${link.python}` : null;
    const again = LINK.replace('PATH', link.python);
    return {
      needs: [tfjs, need('TensorFlow', version, `the binding does not fit: ${why}; run "${again}"`)],
      found: why === null ? { package: found, binding: { path, quiet: join(folder, 'quiet.node') } } : null,
    };
  }
  const own = ownBinding(found.folder);
  const advice = `no binding to a TensorFlow; run "${LINK}" with a Python that has TensorFlow`;
  return {
    needs: [tfjs, need('TensorFlow', own && `${own.version}, the package's own`, advice)],
    found: own && { package: found, binding: { path: own.path, quiet: null } },
  };
}
