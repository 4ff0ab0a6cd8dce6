/** Which npm packages are installed. */
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

/** The version of the package that an import here would find, or null where it is not installed. Loads nothing of it. */
export function versionOf(packageName: string): string | null {
  const folders = createRequire(import.meta.url).resolve.paths(packageName) ?? [];
  const path = folders.map((dir) => join(dir, packageName, 'package.json')).find(existsSync);
  if (path === undefined) return null;
  return (JSON.parse(readFileSync(path, 'utf8')) as { version: string }).version;
}
