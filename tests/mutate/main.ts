/**
 * npm run mutate -- [--only PATTERN] [-j N] [--json]: puts small mistakes into src/, one at a time, and runs the tests that should
 * notice them. Exit status 1 where more than one in ten goes unnoticed, or one does and the list does not say why.
 *
 * The mistakes are a list of our own (tests/mutate/list), not operators on every line as Stryker's: what goes wrong in this
 * program is a role, a split, a seed, a table or a label in another's place, for which Stryker has no operator; many of our
 * tests run the compiled program in processes of their own, where its switching between mutants does not reach; and all
 * operators on all lines would take days here.
 */
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SingleBar } from 'cli-progress';
import yargs from 'yargs';
import { mutants } from './list/index.js';
import { faultsIn, mutate } from './mutate.js';
import { outcomesAsJson, renderOutcomes } from './render.js';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');

export default async function main(...words: string[]): Promise<void> {
  const { only, jobs, json, list } = await yargs(words)
    .scriptName('npm run mutate --')
    .usage('$0: small mistakes in src/, and whether the tests notice them')
    .options({
      only: { type: 'string', description: 'mutants whose name or file matches this regular expression' },
      jobs: {
        type: 'number',
        alias: 'j',
        default: Math.max(1, Math.floor(availableParallelism() / 2)),
        description: 'mutants tried at a time',
      },
      json: { type: 'boolean', default: false, description: 'the outcome as JSON on standard output' },
      list: { type: 'boolean', default: false, description: 'names the mutants, and tries none' },
    })
    .strict()
    .parseAsync();
  const pattern = new RegExp(only ?? '');
  const chosen = mutants.filter(({ id, file }) => pattern.test(id) || pattern.test(file));
  if (list) {
    for (const { id, about } of chosen) console.log(`${id}: ${about}`);
    return;
  }
  if (chosen.length === 0) throw new Error(`no mutant matches ${only}`);
  const bar = new SingleBar({
    format: '{bar} {value}/{total} mutants, {survivors} survive, {eta_formatted} left',
  });
  if (process.stderr.isTTY) bar.start(chosen.length, 0, { survivors: 0 });
  let survivors = 0;
  const outcomes = await mutate(root, chosen, jobs, ({ killed }) => {
    if (!killed) survivors++;
    bar.increment({ survivors });
  }).finally(() => bar.stop());
  const faults = faultsIn(outcomes);
  console.log(
    json ? outcomesAsJson(outcomes, faults) : renderOutcomes(outcomes, process.stdout.columns ?? 120),
  );
  for (const fault of faults) console.error(fault);
  if (faults.length > 0) process.exitCode = 1;
}
