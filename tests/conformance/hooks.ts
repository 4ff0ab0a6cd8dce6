/**
 * Module hooks that let Node load tfjs-core's own tests: they are ES modules in a package that does not say
 * so, and import one another without file extensions, as a bundler would allow.
 */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import type { LoadHook, ResolveHook } from 'node:module';
import { fileURLToPath } from 'node:url';

const DIST = '/node_modules/@tensorflow/tfjs-core/dist/';
/** The bundles, which everyone else gets, lie in the same folder. */
const isSource = (url: string) => url.includes(DIST) && !url.includes('/tf-core.');

export const resolve: ResolveHook = (specifier, context, next) => {
  const parent = context.parentURL ?? '';
  if (!specifier.startsWith('.') || !isSource(parent)) return next(specifier, context);
  const { href } = new URL(specifier, parent);
  const url = [href, `${href}.js`, `${href}/index.js`].find(
    (u) => u.endsWith('.js') && existsSync(fileURLToPath(u)),
  );
  return url === undefined ? next(specifier, context) : { url, format: 'module', shortCircuit: true };
};

export const load: LoadHook = async (url, context, next) => {
  if (!isSource(url)) return next(url, context);
  const text = await readFile(fileURLToPath(url), 'utf8');
  // A CommonJS package (seedrandom) is what it exports, to a bundler; to Node that is its default export.
  const source = text.replace(/^import \* as (\w+) from '(\w+)'/gm, "import $1 from '$2'");
  return { format: 'module', source, shortCircuit: true };
};
