import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));

/** The small inputs of the issues, which are no part of this repository: the folder ILF_SHARED, or the one beside the repository. */
const all = process.env.ILF_SHARED || join(here, '..', '..', '..', 'shared');
const folder = join(all, 'cases');
export const hasShared = existsSync(folder);
if (!hasShared) console.warn(`tests of the shared cases are skipped: there is no ${folder} (ILF_SHARED)`);

export const shared = (path: string): string => join(folder, path);
/** Real models and data; they may be absent. */
export const sharedData = (path: string): string => join(all, 'data', path);
