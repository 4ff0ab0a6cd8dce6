/** What a worker and its parent tell each other. */

export interface Batch {
  kind: string;
  seed: number;
  from: number;
  count: number;
}

export interface Told {
  accepted: number;
  refused: number;
  findings: { index: number; what: string }[];
}

/** Bytes of the note: the batch's input, and how many were accepted and refused so far. */
export const NOTE = 64;
