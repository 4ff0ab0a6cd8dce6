import type { Host, RankerOptions } from '../rankers/ranker.js';
import { UserError } from '../store/errors.js';
import type { TaskChoice } from '../tasks/open.js';
import type { Task } from '../tasks/task.js';
import type { Sampling } from '../writers/writer.js';

/** What a run of the loop is told; every field is one option of the command line, and stands in manifest.json. */
export interface LoopOptions extends TaskChoice, Sampling {
  /** π_0's folder. */
  base: string;
  /** Folders of π_ψ, of who writes feedback where nobody else does, and of InstructRM. */
  refiner: string;
  critic: string;
  judge: string;
  /** Where feedback comes from; null: from the first source that serves. */
  feedback: string | null;
  /** Contexts a round, and contexts to measure on. */
  contexts: number;
  heldout: number;
  /** Contexts that are too long for a model are left out. */
  skipTooLong?: true;
  /** N: refinements of each output. */
  samples: number;
  rounds: number;
  /** What a round tunes: the last one's model on its own targets, or π_0 on those of all rounds so far. */
  roundMode: 'continue' | 'retrain';
  /** What π_θ is tuned on. */
  targets: string;
  /** R. */
  ranker: string;
  /** What computes InstructRM. */
  host: Host;
  /** Folders of trained rankers. */
  rewardModel: string | null;
  humanLikeness: string | null;
  seed: number;
  engine: string;
  /** How the engine stores activations: float32 or bfloat16. */
  precision: string;
  lr: number;
  epochs: number;
  batch: number;
  promptWeight: number;
  /** β of the weighted posterior, in the report and in the targets of that name; ILF's are the argmax, β → ∞. */
  beta: number;
}

/** The options that choose R and what it is opened with. */
export type RankerChoice = Pick<
  LoopOptions,
  'ranker' | 'host' | 'rewardModel' | 'humanLikeness' | 'judge' | 'seed'
>;

export const samplingOf = ({ temperature, topP, maxTokens }: Sampling): Sampling => ({
  temperature,
  topP,
  maxTokens,
});

/** The same at temperature 1 from the whole vocabulary: other samples would not be from the model's own distribution. */
export const untruncated = ({ maxTokens }: Sampling): Sampling => ({ temperature: 1, topP: 1, maxTokens });

/** What rankers are opened with. */
export const rankerOptionsOf = (
  { prompts }: Pick<Task, 'prompts'>,
  { judge, rewardModel, humanLikeness, host, seed }: Omit<RankerChoice, 'ranker'>,
): RankerOptions => ({ judge, rewardModel, humanLikeness, host, seed, prompts });

export const tuningOf = ({ lr, epochs, batch, promptWeight }: LoopOptions) => ({
  lr,
  epochs,
  batch,
  promptWeight,
});

/** Contexts of each round, other ones each. @throws UserError where the task has too few for all rounds */
export function contextsPerRound(task: Task, { contexts, rounds }: LoopOptions): number {
  const size = task.size('ilf');
  const n = Math.min(contexts, Math.floor(size / rounds));
  if (n < 1)
    throw new UserError(
      `${size} contexts to learn from are too few for ${rounds} rounds, which need other ones each; add some or do fewer rounds`,
    );
  return n;
}
