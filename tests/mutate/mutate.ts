/** Tries mutants one at a time, each in a scratch copy of the tree, and says which of them the tests noticed. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Mutant, mutated } from './mutant.js';
import { type Scratch, scratchOf } from './scratch.js';
import { runTests } from './trial.js';

export interface Outcome {
  mutant: Mutant;
  /** Whether a test noticed it. */
  killed: boolean;
  /** The first test that failed. */
  by: string;
  seconds: number;
}

/** Seconds that tests may take with a mutant: a few times what they take without, as a slow machine is no endless loop. */
const limitOf = (seconds: number) => Math.ceil(30 + 5 * seconds);
/** For the tests without a mutant, in seconds. */
const MOST = 3600;

/** What is wrong with the list, a line each: mutants that no longer fit their file, and tests that are not there. */
export function staleIn(root: string, mutants: readonly Mutant[]): string[] {
  const ids = mutants.map(({ id }) => id);
  return mutants.flatMap((mutant, i) => {
    const wrong: string[] = ids.indexOf(mutant.id) < i ? ['there is another one of this name'] : [];
    if (mutant.tests.length === 0) wrong.push('it names no tests');
    for (const test of mutant.tests) if (!existsSync(join(root, test))) wrong.push(`there is no ${test}`);
    if (!existsSync(join(root, mutant.file))) wrong.push(`there is no ${mutant.file}`);
    else
      try {
        mutated(mutant, readFileSync(join(root, mutant.file), 'utf8'));
      } catch (error) {
        wrong.push((error as Error).message);
      }
    return wrong.map((what) => `${mutant.id}: ${what}`);
  });
}

/**
 * @param jobs mutants tried at a time @param onDone told of each outcome as it comes
 * @returns outcomes in the list's order
 * @throws Error where the list is stale, or a test fails without any mutant: it would seem to notice all of them
 */
export async function mutate(
  root: string,
  mutants: readonly Mutant[],
  jobs: number,
  onDone: (outcome: Outcome) => void = () => {},
  limit: (seconds: number) => number = limitOf,
): Promise<Outcome[]> {
  const stale = staleIn(root, mutants);
  if (stale.length > 0) throw new Error(`the list of mutants is stale:\n${stale.join('\n')}`);
  const scratches: Scratch[] = [];
  const scratch = () => {
    const made = scratchOf(root);
    scratches.push(made);
    return made.dir;
  };
  try {
    const first = scratch();
    const tests = [...new Set(mutants.flatMap((mutant) => mutant.tests))];
    const sound = await runTests(first, tests, MOST);
    if (!sound.passed) throw new Error(`the tests fail without any mutant: ${sound.failure}`);
    const usual = (mutant: Mutant) =>
      mutant.tests.reduce((sum, test) => sum + (sound.secondsOf.get(test) ?? 0), 0);

    const outcomes: Outcome[] = [];
    const queue = [...mutants.entries()];
    const worker = async (dir: string) => {
      for (let next = queue.shift(); next; next = queue.shift()) {
        const [i, mutant] = next;
        const path = join(dir, mutant.file);
        const text = readFileSync(path, 'utf8');
        writeFileSync(path, mutated(mutant, text));
        const { passed, failure, seconds } = await runTests(dir, mutant.tests, limit(usual(mutant)));
        writeFileSync(path, text);
        const outcome = { mutant, killed: !passed, by: failure, seconds };
        outcomes[i] = outcome;
        onDone(outcome);
      }
    };
    const places = [first, ...Array.from({ length: Math.min(jobs, mutants.length) - 1 }, scratch)];
    await Promise.all(places.map(worker));
    return outcomes;
  } finally {
    for (const { remove } of scratches) remove();
  }
}

/** The largest share of mutants that may survive. */
const MOST_SURVIVORS = 0.1;

/** Why the outcome is not good enough, a line each. */
export function faultsIn(outcomes: readonly Outcome[]): string[] {
  const survivors = outcomes.filter(({ killed }) => !killed);
  const faults = survivors
    .filter(({ mutant }) => !mutant.survives)
    .map(({ mutant }) => `${mutant.id} survives, and the list does not say why (${mutant.about})`);
  if (survivors.length > MOST_SURVIVORS * outcomes.length)
    faults.push(`${survivors.length} of ${outcomes.length} mutants survive, more than one in ten`);
  for (const { mutant, killed } of outcomes)
    if (killed && mutant.survives) faults.push(`${mutant.id} is noticed now: take its "survives" out`);
  return faults;
}
