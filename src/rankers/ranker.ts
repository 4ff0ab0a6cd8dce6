import type { Json } from '../store/hash.js';
import type { Prompts } from '../tasks/prompts.js';

/** What a refinement is judged on. */
export interface Candidate {
  /** c. */
  context: string;
  /** x0. */
  initial: string;
  /** f, on x0. */
  feedback: string;
  /** x1. */
  refinement: string;
}

export interface Scores {
  /** R(x1 | c, x0, f): the higher, the better; comparable within a group. */
  score: number;
  /** What `score` is the mean of, where it is one; otherwise empty. */
  perPrompt: number[];
}

/** R. A group is the refinements of one context, initial output and feedback. */
export interface Ranker {
  /** One Scores for every candidate. `onProgress` is told how much of the work is done, 0 to 1. */
  score(groups: readonly (readonly Candidate[])[], onProgress?: (done: number) => void): Promise<Scores[][]>;
  /** Tokens of the longest question about a candidate, and the window that it must fit into; where questions are asked at all. */
  needs?(candidate: Candidate): { model: { dir: string; window: number }; tokens: number };
  /** Frees what it holds. */
  close?(): Promise<void>;
}

/** What rankers are opened with; each reads what it needs. */
export interface RankerOptions {
  /** Folder of the instruction-tuned LM that judges, and that embeds texts. */
  judge: string;
  /** Folders of trained rankers; null where none was given. */
  rewardModel: string | null;
  humanLikeness: string | null;
  /** What computes InstructRM. The other models have no onnx/model.onnx and run on our engine. */
  host: Host;
  /** Of the ranker random. */
  seed: number;
  /** The task's. */
  prompts: Prompts;
}

/** What computes a judge: @xenova/transformers on onnx/model.onnx, or our engine on model.safetensors. */
export const HOSTS = ['transformers', 'engine'] as const;
export type Host = (typeof HOSTS)[number];

/** What a ranker's numbers depend on besides the texts: the parts of a step's key. */
export interface MadeFrom {
  models: readonly string[];
  values?: Json;
}

/** A ranker in the registry (src/rankers/registry.ts), or the default export of a module of a person's own. */
export interface RankerDescriptor {
  /** As it is asked for, and as tables and documents name it. */
  name: string;
  /** For people: "InstructRM". */
  label: string;
  /** One line, for --help. */
  help: string;
  /** Whether its score estimates P(I = 1), the probability that a refinement is good. */
  probability: boolean;
  /** @throws UserError where a folder that it needs was not given */
  madeFrom(options: RankerOptions): MadeFrom;
  /** Light to import; what computes is loaded here. @throws UserError for a folder that cannot be used */
  open(options: RankerOptions): Promise<Ranker>;
}
