/** What `evaluate` gives for the distinct items (by `key`, the first of each), handed out to all items, in their order. */
export async function forDistinct<T, V>(
  items: readonly T[],
  key: (item: T) => string,
  evaluate: (distinct: T[]) => Promise<readonly V[]>,
): Promise<V[]> {
  const places = new Map<string, number>();
  const distinct: T[] = [];
  for (const item of items) {
    if (places.has(key(item))) continue;
    places.set(key(item), distinct.length);
    distinct.push(item);
  }
  const values = await evaluate(distinct);
  return items.map((item) => values[places.get(key(item))!]!);
}
