/** Most items of a list that a message names. */
const NAMED = 10;

/** A list for one line: the first ten, and how many more there are. */
export function firstTen(items: readonly string[]): string {
  const more = items.length - NAMED;
  return items.slice(0, NAMED).join(', ') + (more > 0 ? ` and ${more} more` : '');
}
