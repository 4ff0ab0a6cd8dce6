/** Whether a command can write what it is about to compute: found out before it computes. */
import { mkdir, readdir, realpath, rmdir, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve, sep } from 'node:path';
import { destinationOf } from './destination.js';
import { asUserError, systemErrorCode, UserError } from './errors.js';
import { recover, temporaryName } from './leftovers.js';
import { requireOurs } from './mark.js';

/** What the command reads: files and folders; undefined where it was not given. */
type Inputs = readonly (string | undefined)[];

/** @throws UserError where no file can be written to `path`, or would replace one of the inputs */
export async function requirePlaceForFile(path: string, inputs: Inputs): Promise<void> {
  try {
    const { path: target, kind } = await destinationOf(path);
    if (kind === 'stream') return;
    if (kind === 'folder') throw new UserError(`${path} is a folder; give the name of a file`);
    for (const [input, at] of await landingOf(inputs))
      if (at === target || (kind === 'file' && target.startsWith(at + sep)))
        throw new UserError(
          `${path} would be replaced, and is read, too (${input}); choose another name for what is written`,
        );
    await tryToWrite(dirname(target), basename(target));
  } catch (error) {
    throw asUserError(error, 'write', path);
  }
}

/**
 * @throws UserError where `dir` cannot become a folder of this program's: it holds what is not, or one of the inputs. Before it looks, it
 * sets right what killed processes left there.
 */
export async function requirePlaceForFolder(dir: string, inputs: Inputs): Promise<void> {
  try {
    const { path: target, kind } = await destinationOf(dir);
    await recover(dirname(target));
    await requireOurs(target);
    for (const [input, at] of await landingOf(inputs))
      if (at === target || at.startsWith(target + sep))
        throw new UserError(
          `${dir} would be replaced, and holds ${input}, which is read; choose another folder`,
        );
    await tryToWrite(dirname(target), basename(target));
    if (kind === 'folder' && (await stat(target)).dev !== (await stat(dirname(target))).dev)
      throw new UserError(
        `${dir} is where another disk is mounted, and cannot be replaced; give a folder in it`,
      );
  } catch (error) {
    throw asUserError(error, 'write', dir);
  }
}

/**
 * @param isKept whether such names are a folder that was made for this use
 * @param use whose folder it is, and the option that names it
 * @throws UserError where `dir` holds files and was not made for this use
 */
export async function requireFolderOf(
  dir: string,
  isKept: (names: readonly string[]) => boolean,
  { whose, option }: { whose: string; option: string },
): Promise<void> {
  let names: string[];
  try {
    names = await readdir(dir);
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return;
    throw asUserError(error, 'use', dir);
  }
  if (!isKept(names) && names.some((name) => !name.startsWith('.')))
    throw new UserError(`${dir} holds other files than ${whose}; choose a new folder for ${option}`);
}

/** Where the inputs are, through links. */
async function landingOf(inputs: Inputs): Promise<[input: string, at: string][]> {
  const given = inputs.filter((input) => input !== undefined);
  return Promise.all(
    given.map(async (input) => [input, await realpath(input).catch(() => resolve(input))] as const),
  ) as Promise<[string, string][]>;
}

/** Something of this name in `dir`, or where that is to be made. @throws UserError, system errors */
async function tryToWrite(dir: string, name: string): Promise<void> {
  const probe = temporaryName(join(dir, name));
  try {
    await mkdir(probe);
  } catch (error) {
    if (systemErrorCode(error) !== 'ENOENT') throw error;
    if (await stat(dir).catch(() => undefined)) throw new UserError(`nothing can be written to ${dir}`);
    return tryToWrite(dirname(dir), name);
  }
  await rmdir(probe);
}
