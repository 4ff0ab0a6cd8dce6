/** bench compare: tables, with ratios, of what single processes of earlier commands reported. */
import { resolve } from 'node:path';
import { UserError } from '../src/store/errors.js';
import { OURS } from './child.js';
import { readJournals } from './journal.js';
import { contenderTable } from './outcome.js';
import type { Rounds } from './rounds.js';
import type { BenchTable } from './table.js';

/** @throws UserError for files that are no journals, or hold nothing */
export function compareJournals(paths: readonly string[]): BenchTable[] {
  const all = [...readJournals([...new Set(paths.map((path) => resolve(path)))])];
  if (all.length === 0) throw new UserError(`${paths.join(', ')}: no reports there`);
  return all.map(([part, reports]) => {
    const [first, ...others] = [...reports.values()].flat();
    const works = Object.keys(first!.rates).filter((what) => others.every(({ rates }) => rates[what]));
    for (const [name, its] of reports) {
      const subjects = [...new Set(its.map(({ subject }) => subject))];
      if (subjects.length > 1)
        throw new UserError(
          `${part}: ${name} is ${subjects.join(' and ')}; compare what one of them measured`,
        );
    }
    return contenderTable(
      part,
      sameRounds(reports),
      Object.fromEntries(works.map((what) => [what, `${what}, tokens/s`])),
    );
  });
}

/** Ours first; as many rounds of each: a ratio is taken of a round of ours and one of theirs. */
function sameRounds(reports: Rounds['reports']): Rounds['reports'] {
  const rounds = Math.min(...[...reports.values()].map(({ length }) => length));
  const oursFirst = [...reports].sort(([a], [b]) => Number(b === OURS) - Number(a === OURS));
  return new Map(oursFirst.map(([name, all]) => [name, all.slice(-rounds)]));
}
