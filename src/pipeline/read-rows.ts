/** Tables of other programs, joined by key: every row is of something that is known. */
import { UserError } from '../store/errors.js';
import { oneLine } from '../store/read-json.js';
import { type ReadRowOf, readTable, type TableSchema } from '../store/tables.js';
import { byContext, type RefinementRow, type ScoreRow } from './tables.js';

/** A context for an error: its id is whatever a file says. */
const idOf = (context: string) => `context "${oneLine(context)}"`;

/**
 * A table whose rows are of contexts. @param from the contexts' table @throws UserError for a file that is none, and for a row of a
 * context that they have not
 */
export async function readRows<S extends TableSchema & { context: 'utf8' | 'key<utf8>' }>(
  path: string,
  schema: S,
  contexts: readonly { id: string }[],
  from: string,
): Promise<ReadRowOf<S>[]> {
  const known = new Set(contexts.map(({ id }) => id));
  const rows = await readTable(path, schema);
  rows.forEach(({ context }, row) => {
    if (!known.has(context as string))
      throw new UserError(
        `${path}: row ${row} is of ${idOf(context as string)}, which ${from} has not; it was made from other contexts`,
      );
  });
  return rows;
}

/**
 * That scores are of refinements, one of each, and select one of each context. @param scored, refined the tables' names
 * @throws UserError for the first row that says otherwise
 */
export function checkScores(
  scores: readonly ScoreRow[],
  scored: string,
  refinements: readonly RefinementRow[],
  refined: string,
): void {
  const key = (row: { context: string; candidate: number }) => JSON.stringify([row.context, row.candidate]);
  const name = (row: { context: string; candidate: number }) =>
    `${idOf(row.context)}, candidate ${row.candidate}`;
  const checkKnown = (
    rows: readonly { context: string; candidate: number }[],
    path: string,
    others: readonly { context: string; candidate: number }[],
    other: string,
  ) => {
    const known = new Set(others.map(key));
    const row = rows.findIndex((of) => !known.has(key(of)));
    if (row >= 0)
      throw new UserError(`${path}: row ${row} is of ${name(rows[row]!)}, which ${other} has not`);
  };
  checkKnown(scores, scored, refinements, refined);
  checkKnown(refinements, refined, scores, scored);
  for (const [context, rows] of byContext(scores)) {
    const selected = rows.filter((row) => row.selected).length;
    if (selected !== 1)
      throw new UserError(`${scored}: of ${idOf(context)} ${selected} candidates are selected, it must be 1`);
  }
}
