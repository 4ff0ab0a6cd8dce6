import Table from 'cli-table3';
import type { Outcome } from './mutate.js';

/** Survivors with their explanations, what noticed the others, and how many there were, by folder of src. */
export function renderOutcomes(outcomes: readonly Outcome[], width: number): string {
  const columns = [30, 10, 9];
  const table = new Table({
    head: ['mutant', '', 'seconds', 'noticed by, or why it survives'],
    colWidths: [...columns, Math.max(30, width - columns.reduce((sum, w) => sum + w, 0) - 5)],
    colAligns: ['left', 'left', 'right', 'left'],
    wordWrap: true,
    style: { head: [], border: [], compact: true },
  });
  for (const { mutant, killed, by, seconds } of outcomes)
    table.push([
      mutant.id,
      killed ? 'killed' : 'survives',
      seconds.toFixed(1),
      killed ? by : (mutant.survives ?? `unexplained: ${mutant.about}`),
    ]);
  const survivors = outcomes.filter(({ killed }) => !killed).length;
  return `${table}\n${outcomes.length} mutants, ${outcomes.length - survivors} killed, ${survivors} survive`;
}

/** The same for programs. */
export const outcomesAsJson = (outcomes: readonly Outcome[], faults: readonly string[]): string =>
  JSON.stringify(
    {
      mutants: outcomes.length,
      killed: outcomes.filter(({ killed }) => killed).length,
      outcomes: outcomes.map(({ mutant, killed, by, seconds }) => ({ ...mutant, killed, by, seconds })),
      faults,
    },
    null,
    2,
  );
