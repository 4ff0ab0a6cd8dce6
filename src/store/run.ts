/**
 * A run folder: the files that a run's steps write, and manifest.json, which says from what they were made. A step
 * whose inputs are unchanged and whose outputs are intact is not run again, so a run that was killed, whenever that
 * was, goes on where it stopped when its folder is opened again.
 *
 * A step writes its outputs atomically; only then are they recorded, and the record is written atomically too. So an
 * output without a record is made again, and a record without its output, or with a changed one, does not count.
 */
import { isAbsolute, join } from 'node:path';
import { z } from 'zod';
import { writeFileAtomic } from './atomic.js';
import { makeFolder } from './destination.js';
import { UserError } from './errors.js';
import { canonicalJson, hashPath, hashText, type Json } from './hash.js';
import { recover } from './leftovers.js';
import { takeLock } from './lock.js';
import { markIfFolder } from './mark.js';
import { readJsonIfThere } from './read-json.js';

const stepSchema = z.object({
  /** SHA-256 of the step's input values and of its input files' contents. */
  inputsHash: z.string(),
  /** Path within the run folder → SHA-256 of the file or folder. */
  outputs: z.record(z.string(), z.string()),
  seconds: z.number(),
  /** ISO 8601. */
  finishedAt: z.string(),
});
const manifestSchema = z.object({
  /** Of this program, when the run was last opened. */
  version: z.string(),
  options: z.record(z.string(), z.json()),
  seeds: z.record(z.string(), z.number()),
  steps: z.record(z.string(), stepSchema),
});
export type StepRecord = z.infer<typeof stepSchema>;
export type Manifest = z.infer<typeof manifestSchema>;

export interface RunSettings {
  version: string;
  /** The resolved options, for the reader; what a step depends on it lists in its own inputs. */
  options: Record<string, Json>;
  seeds: Record<string, number>;
}

export interface StepInputs {
  /** Options, seeds, and whatever else the step's result depends on. */
  values?: Json;
  /** Files and folders: within the run folder, or absolute. */
  files?: readonly string[];
}

export interface Run {
  /** The options that the folder was last opened with; undefined where it is new. */
  readonly before: Record<string, Json> | undefined;
  readonly dir: string;
  readonly manifest: Readonly<Manifest>;
  /** What the steps took that were asked for since it was opened, whenever they were made: not those that it no longer has. */
  seconds(): number;
  /** An absolute path for a file of the run folder. */
  path(file: string): string;
  /**
   * Makes `outputs` (files and folders within the run folder) by `make`, unless they are there already, made from
   * the same inputs. Returns whether `make` ran. @throws UserError for a missing input file; what `make` throws.
   */
  step(
    name: string,
    inputs: StepInputs,
    outputs: readonly string[],
    make: () => Promise<void>,
  ): Promise<boolean>;
  /** Gives the folder back to other processes. */
  close(): void;
}

/**
 * Opens a run folder, made where it is missing, for this process alone. @throws UserError where another process uses
 * it, its manifest is not one, or it cannot be written.
 */
export async function openRun(dir: string, settings: RunSettings): Promise<Run> {
  await makeFolder(dir);
  const release = await takeLock(join(dir, 'lock'));
  try {
    await recover(dir);
    const path = join(dir, 'manifest.json');
    const before = await readJsonIfThere(path, manifestSchema);
    const manifest = manifestSchema.parse({ ...settings, steps: before?.steps ?? {} });
    await saveManifest(path, manifest);
    return { ...runOf(dir, manifest, release), before: before?.options };
  } catch (error) {
    release();
    throw error;
  }
}

function saveManifest(path: string, manifest: Manifest): Promise<void> {
  return writeFileAtomic(path, `${JSON.stringify(manifest, null, 2)}\n`);
}

function runOf(dir: string, manifest: Manifest, release: () => void): Omit<Run, 'before'> {
  const path = (file: string) => (isAbsolute(file) ? file : join(dir, file));

  const hashInputs = async ({ values = null, files = [] }: StepInputs): Promise<string> => {
    const hashes = await Promise.all(files.map((file) => hashPath(path(file))));
    const missing = files.filter((_, index) => hashes[index] === undefined);
    if (missing.length > 0) throw new UserError(`no such file or folder: ${missing.map(path).join(', ')}`);
    return hashText(canonicalJson({ values, files: hashes as string[] }));
  };

  const isDone = async (record: StepRecord | undefined, inputsHash: string, outputs: readonly string[]) => {
    if (record?.inputsHash !== inputsHash) return false;
    for (const output of outputs) {
      const hash = await hashPath(path(output));
      if (hash === undefined || hash !== record.outputs[output]) return false;
    }
    return true;
  };

  const asked = new Set<string>();

  return {
    dir,
    manifest,
    path,
    seconds: () => [...asked].reduce((sum, name) => sum + (manifest.steps[name]?.seconds ?? 0), 0),
    async step(name, inputs, outputs, make) {
      asked.add(name);
      const inputsHash = await hashInputs(inputs);
      if (await isDone(manifest.steps[name], inputsHash, outputs)) return false;
      // A folder of this name is the run's, whoever has changed it, as a table is.
      for (const output of outputs) await markIfFolder(path(output));
      const start = performance.now();
      await make();
      const seconds = (performance.now() - start) / 1000;
      const hashes: Record<string, string> = {};
      for (const output of outputs) {
        const hash = await hashPath(path(output));
        if (hash === undefined) throw new Error(`step ${name} did not write ${path(output)}`);
        hashes[output] = hash;
      }
      manifest.steps[name] = { inputsHash, outputs: hashes, seconds, finishedAt: new Date().toISOString() };
      await saveManifest(join(dir, 'manifest.json'), manifest);
      return true;
    },
    close: release,
  };
}
