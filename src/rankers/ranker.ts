/** What a refinement is judged on. */
export interface Candidate {
  /** The post. */
  context: string;
  /** x0. */
  initial: string;
  /** f, on x0. */
  feedback: string;
  /** x1. */
  refinement: string;
}

export interface Scores {
  /** R(x1 | context, x0, f): the higher, the better; comparable within a group. */
  score: number;
  /** What `score` is the mean of, where it is one; otherwise empty. */
  perPrompt: number[];
}

/** R. A group is the refinements of one context, initial output and feedback. */
export interface Ranker {
  readonly name: string;
  /** One Scores for every candidate. `onProgress` is told how much of the work is done, 0 to 1. */
  score(groups: readonly (readonly Candidate[])[], onProgress?: (done: number) => void): Promise<Scores[][]>;
}

/** A ranker with a model, whose memory `close` frees. */
export interface OpenRanker extends Ranker {
  close(): Promise<void>;
}
