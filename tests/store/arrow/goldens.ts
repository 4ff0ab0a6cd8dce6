import { readdirSync } from 'node:fs';
import { join } from 'node:path';

/** Tables that pandas and pyarrow wrote, by goldens/tables/make.py. */
const folder = join(import.meta.dirname, '..', 'goldens', 'tables');
export const golden = (name: string): string => join(folder, `${name}.arrow`);

/** Those that are not the table. */
const others = ['feather-1', 'times', 'pandas-empty'];
export const goldens: string[] = readdirSync(folder)
  .filter((file) => file.endsWith('.arrow'))
  .map((file) => file.slice(0, -'.arrow'.length))
  .filter((name) => !others.includes(name));

export const schema = {
  context: 'key<utf8>',
  candidate: 'key<int32>',
  text: 'utf8',
  ids: 'list<int32>',
  pair: 'list<float32>',
  logprob: 'float64?',
  base: 'float64',
  selected: 'bool',
} as const;

/** As in make.py. */
export const table = [
  ['a', 0, 'Ines keeps parking in a spot that is not hers. '.repeat(8), [5, 6, 7], [0.5, 1], -5, -6, true],
  ['a', 1, '', [], [0.25, 2], null, -7, false],
  ['a', 2, '\ufeffInes\0', [8], [-1, 0], -0.5, -8, false],
  ['b', 0, 'Rafael 🙂', [1, 2], [3, 4], -7.25, -9, false],
  ['b', 1, 'A torn tent is back.', [3, 4], [5.5, 6], null, -10, true],
  ['b', 2, '漢字', [9], [7, 8], -1e-3, -11, false],
].map((cells) => Object.fromEntries(Object.keys(schema).map((name, i) => [name, cells[i]])));
