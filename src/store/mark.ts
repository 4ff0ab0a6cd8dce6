/**
 * What tells a folder that this program wrote, and may replace, from anybody else's: a small file in it that lists all that was written
 * there. What was added since is not on the list, so the folder is not replaced until that is moved away.
 */
import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { writeFileAtomic } from './atomic.js';
import { systemErrorCode, UserError } from './errors.js';
import { MARK } from './hash.js';
import { readJsonIfThere } from './read-json.js';

const markSchema = z.object({ writtenBy: z.literal('ilf'), holds: z.array(z.string()) });

/** The paths of all that is below `dir`, a folder before what it holds. */
async function* pathsBelow(dir: string, below = ''): AsyncGenerator<string> {
  for (const entry of await readdir(join(dir, below), { withFileTypes: true })) {
    const path = `${below}${entry.name}`;
    yield path;
    if (entry.isDirectory()) yield* pathsBelow(dir, `${path}/`);
  }
}

/** Says that this program wrote all that is in `dir`. */
export async function markFolder(dir: string): Promise<void> {
  const holds: string[] = [];
  for await (const path of pathsBelow(dir)) if (path !== MARK) holds.push(path);
  await writeFileAtomic(join(dir, MARK), `${JSON.stringify({ writtenBy: 'ilf', holds: holds.sort() })}\n`);
}

/** The same of a folder that a run's record says is the run's; of nothing, and of a file, nothing. */
export async function markIfFolder(dir: string): Promise<void> {
  const found = await lstat(dir).catch((error: unknown) => {
    if (systemErrorCode(error) === undefined) throw error;
  });
  if (found?.isDirectory()) await markFolder(dir);
}

/**
 * @throws UserError unless `dir` may be replaced: there is nothing, or an empty folder, or one that this program wrote and nobody has
 * added to; system errors
 */
export async function requireOurs(dir: string): Promise<void> {
  let names: string[];
  try {
    names = await readdir(dir);
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return;
    if (systemErrorCode(error) === 'ENOTDIR')
      throw new UserError(`${dir} is no folder, and one is to be written there; choose another name`);
    throw error;
  }
  if (names.length === 0) return;
  const ours = await listedIn(dir);
  for await (const path of pathsBelow(dir))
    if (!ours.has(path))
      throw new UserError(
        `${dir} would be replaced, and holds ${path}, which this program did not mark as its own; choose a new or an empty folder`,
      );
}

async function listedIn(dir: string): Promise<Set<string>> {
  try {
    const mark = await readJsonIfThere(join(dir, MARK), markSchema);
    return new Set(mark && [MARK, ...mark.holds]);
  } catch (error) {
    // It is not ours: of another program, or damaged.
    if (error instanceof UserError) return new Set();
    throw error;
  }
}
