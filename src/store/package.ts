/** Where this program is installed: its embedded models are there. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { UserError } from './errors.js';

/** The folder of package.json, above the compiled file or the source file. */
export const packageDir = (() => {
  let dir = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(dir, 'package.json')) && dirname(dir) !== dir) dir = dirname(dir);
  return dir;
})();

export const packageVersion = (): string =>
  (JSON.parse(readFileSync(join(packageDir, 'package.json'), 'utf8')) as { version: string }).version;

/** An embedded model's folder. @throws UserError for another name */
export function embeddedModel(name: 'base' | 'instruct'): string {
  if (name !== 'base' && name !== 'instruct')
    throw new UserError(`there is no embedded model "${String(name)}", but "base" and "instruct"`);
  return join(packageDir, 'models', name);
}
