/** What JSON.parse does not tell. */

/** Strings and the punctuation that opens, closes or separates; numbers and literals are skipped. */
const TOKENS = /"(?:[^"\\]|\\.)*"|[{}[\]:,]/g;

/**
 * The first key that one object of `text` holds twice (JSON.parse silently keeps the last), or undefined.
 * `text` must be valid JSON.
 */
export function repeatedKey(text: string): string | undefined {
  /** The keys of every open object; undefined for an open array. */
  const open: (Set<string> | undefined)[] = [];
  let keyNext = false;
  for (const [token] of text.matchAll(TOKENS)) {
    if (token === '{') {
      open.push(new Set());
      keyNext = true;
    } else if (token === '[') {
      open.push(undefined);
      keyNext = false;
    } else if (token === '}' || token === ']') {
      open.pop();
      keyNext = false;
    } else if (token === ',') {
      keyNext = open.at(-1) !== undefined;
    } else if (token === ':') {
      keyNext = false;
    } else if (keyNext) {
      const keys = open.at(-1)!;
      const key = JSON.parse(token) as string;
      if (keys.has(key)) return key;
      keys.add(key);
    }
  }
  return undefined;
}
