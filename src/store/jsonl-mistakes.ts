/** What people give for JSON Lines that is none, and what to do about it. */

const unpack = 'unpack it first';
const convert =
  'convert it first (in Python: pandas.read_…(FILE).to_json(OUT, orient="records", lines=True))';

/** Files that are known by their first bytes. */
const BEGINNINGS: readonly (readonly [bytes: string, what: string])[] = [
  ['\x1f\x8b', `it is compressed by gzip; ${unpack}`],
  ['\x28\xb5\x2f\xfd', `it is compressed by zstd; ${unpack}`],
  ['\xfd7zXZ', `it is compressed by xz; ${unpack}`],
  ['BZh', `it is compressed by bzip2; ${unpack}`],
  ['PK\x03\x04', `it is a zip archive or a spreadsheet; ${unpack}, or ${convert}`],
  ['PAR1', `it is a Parquet file; ${convert}`],
  ['ARROW1', `it is an Arrow table; ${convert}`],
  ['\xff\xfe', 'it is UTF-16 text; save it as UTF-8'],
  ['\xfe\xff', 'it is UTF-16 text; save it as UTF-8'],
  ['{\x00', 'it is UTF-16 text; save it as UTF-8'],
  ['\x00{', 'it is UTF-16 text; save it as UTF-8'],
];

/** What a file is whose first line begins so; undefined for what may be text. */
export function otherKind(line: Buffer): string | undefined {
  const beginning = line.toString('latin1', 0, 8);
  return BEGINNINGS.find(([bytes]) => beginning.startsWith(bytes))?.[1];
}

export const ARRAY = 'it is a JSON array; put each object on a line of its own (jq -c ".[]" FILE does)';

/** What may be the matter with a line that is no JSON: "; what to do", or nothing. */
export function likelyMistake(text: string, line: number): string {
  if (text.startsWith('[')) return `; ${ARRAY}`;
  if (text.includes('\r'))
    return '; its lines end in CR alone, as old systems have it: save it with LF or CRLF';
  if (/^\{\s*'/.test(text)) return '; put names and texts in double quotes, as JSON has them';
  if (/\}\s*,$/.test(text)) return '; leave out the commas between lines';
  if (/\}\s*\{/.test(text) && text.endsWith('}')) return '; put each object on a line of its own';
  if (text.startsWith('{') && !text.endsWith('}'))
    return '; the line is cut off, or an object goes on over several: put each on one line (jq -c . FILE does)';
  if (line === 1 && !text.startsWith('{')) return `; where it is a table, such as CSV, ${convert}`;
  return '';
}
