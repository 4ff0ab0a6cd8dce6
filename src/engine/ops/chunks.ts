/** How many rows of a tokens × vocabulary array the composed losses hold at a time: 4 M floats, 16 MiB. */
export function rowsPerChunk(V: number): number {
  return Math.max(1, Math.floor((1 << 22) / V));
}

/** [from, rows] of each chunk of M rows. */
export function* chunks(M: number, rows: number): Generator<[from: number, count: number]> {
  for (let from = 0; from < M; from += rows) yield [from, Math.min(rows, M - from)];
}
