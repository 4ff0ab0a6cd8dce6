/** The inputs of a kind: each is a function of the seed and its number, so that one can be made again. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { errorLine } from '../../src/cli/error-line.js';
import { UserError } from '../../src/store/errors.js';
import { hash32 } from '../../src/tasks/random.js';
import type { Example } from './kind.js';
import { seeded } from './mutate.js';

export interface Input {
  example: Example;
  /** The file that is wrong. */
  file: string;
  bytes: Uint8Array;
}

export function inputOf(kind: string, examples: readonly Example[], seed: number, index: number): Input {
  const random = seeded(hash32(`${kind} ${seed} ${index}`));
  const example = examples[random(examples.length)]!;
  const names = Object.keys(example.wrong);
  const file = names[random(names.length)]!;
  return { example, file, bytes: example.wrong[file]!(example.files[file]!, random) };
}

/** A folder of an example's files, for one input after another. */
export function folderOf({ files }: Example, dir: string) {
  const fresh = () => {
    rmSync(dir, { recursive: true, force: true });
    for (const file of Object.keys(files)) {
      mkdirSync(dirname(join(dir, file)), { recursive: true });
      restore(file);
    }
  };
  const put = (file: string, bytes: Uint8Array) => writeFileSync(join(dir, file), bytes);
  const restore = (file: string) => put(file, files[file]!);
  fresh();
  return { put, restore, fresh };
}

export type Outcome = { is: 'accepted' | 'refused' } | { is: 'finding'; what: string };

/** What comes of reading a folder. */
export async function outcomeOf(example: Example, dir: string): Promise<Outcome> {
  try {
    await example.read(dir);
    return { is: 'accepted' };
  } catch (error) {
    if (!(error instanceof UserError))
      return { is: 'finding', what: `no UserError: ${error instanceof Error ? error.stack : String(error)}` };
    const line = errorLine(error);
    if (!/^error: .+$/.test(line)) return { is: 'finding', what: `no one line: ${line}` };
    return { is: 'refused' };
  }
}
