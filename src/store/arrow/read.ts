/** The columns of an Arrow IPC file, or stream, whoever wrote it: whole, of one length, from any number of batches. */
import { ColumnReader } from './columns.js';
import { Budget, decompressor } from './compression.js';
import { ArrowFault } from './flatbuffer.js';
import { type Batch, readMessages } from './messages.js';
import type { Field } from './schema.js';

export interface Columns {
  rows: number;
  /** By name: the values of the rows, null where there is none. */
  values: ReadonlyMap<string, readonly unknown[]>;
}

/** @param wanted which of the columns, checked: what it returns is read @throws ArrowFault for what is damaged, or not read here */
export async function readColumns(
  bytes: Uint8Array,
  wanted: (fields: readonly Field[]) => readonly Field[],
): Promise<Columns> {
  const { fields, batches } = readMessages(bytes);
  const columns = wanted(fields);
  const rows = batches.reduce((sum, { dictionary, rows: of }) => sum + (dictionary === null ? of : 0), 0);
  // No row of ours takes less than a byte, however it is compressed.
  if (rows > bytes.length)
    throw new ArrowFault(
      `it is damaged: it claims ${rows} rows, more than its ${bytes.length} bytes can hold`,
    );

  const decompress = await decompressor(new Set(batches.map(({ compression }) => compression)));
  const budget = new Budget(bytes.length);
  const dictionaryFields = new Map(columns.flatMap(dictionariesOf));
  const dictionaries = new Map<number, unknown[]>();
  const values = new Map<string, unknown[]>(columns.map(({ name }) => [name, []]));
  const readerOf = (batch: Batch) =>
    new ColumnReader(batch, dictionaries, decompress(batch.compression), budget);

  for (const batch of batches) {
    const reader = readerOf(batch);
    if (batch.dictionary === null)
      for (const field of fields) {
        if (columns.includes(field)) append(values.get(field.name)!, reader.values(field, batch.rows));
        else reader.skip(field);
      }
    else {
      const field = dictionaryFields.get(batch.dictionary);
      if (!field) continue;
      const read = reader.values(field);
      if (batch.delta) append(dictionaries.get(batch.dictionary) ?? [], read);
      else dictionaries.set(batch.dictionary, read);
    }
  }
  return { rows, values };
}

/** The dictionaries of a column and its children: their numbers, and what their values are. */
function dictionariesOf(field: Field): [number, Field][] {
  const { dictionary, ...values } = field;
  return dictionary ? [[dictionary.id, values]] : field.children.flatMap(dictionariesOf);
}

/** Not push(...values): many values do not fit into one call. */
function append(to: unknown[], values: readonly unknown[]): void {
  for (const value of values) to.push(value);
}
