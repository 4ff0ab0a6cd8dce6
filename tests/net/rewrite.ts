/** Tables of a run, changed: for tests that tamper with them or put their rows in another order. */
import { readFileSync, writeFileSync } from 'node:fs';
import { Table, tableFromIPC, tableToIPC, vectorFromArray } from 'apache-arrow';
import { type Row, readRows } from './read-run.js';

/** Writes `change` of a table's rows, with the same columns, to `to`, or in the table's own place. */
export function rewrite<R extends Row>(path: string, change: (rows: R[]) => Row[], to = path): void {
  const { schema } = tableFromIPC(readFileSync(path));
  const rows = change(readRows(path) as R[]);
  const columns = schema.fields.map(({ name, type }) => {
    const cells = rows.map((row) => row[name]);
    return [name, vectorFromArray(cells, type)];
  });
  writeFileSync(to, tableToIPC(new Table(schema, Object.fromEntries(columns)), 'file'));
}
