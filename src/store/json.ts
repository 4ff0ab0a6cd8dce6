/** What JSON.parse does not tell. */

const [QUOTE, BACKSLASH] = [0x22, 0x5c];
/** Brackets of arrays and braces of objects differ in one bit. */
const [BRACE, BRACE_END, BIT] = [0x7b, 0x7d, 0x20];

/** Whether arrays and objects of `text` are nested more than `levels` deep. Takes no stack, whatever the text is. */
export function isDeeper(text: string, levels: number): boolean {
  let depth = 0;
  let inString = false;
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (inString) {
      if (c === BACKSLASH) i++;
      else if (c === QUOTE) inString = false;
    } else if (c === QUOTE) inString = true;
    else if ((c | BIT) === BRACE) {
      if (++depth > levels) return true;
    } else if ((c | BIT) === BRACE_END) depth--;
  }
  return false;
}

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
