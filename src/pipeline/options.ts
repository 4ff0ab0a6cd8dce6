import type { Host, RankerName } from '../rankers/names.js';
import type { RankerModels } from '../rankers/open.js';
import { UserError } from '../store/errors.js';
import type { Task } from '../tasks/task.js';
import type { TargetsName } from './targets-names.js';

/** What a run of the loop is told; every field is one option of the command line, and stands in manifest.json. */
export interface LoopOptions {
  /** π_0's folder. */
  base: string;
  /** The instruction-tuned LM's folder: refiner π_ψ, critic, and InstructRM. */
  instruct: string;
  /** A person's own contexts (JSONL); null: the embedded world. */
  data: string | null;
  /** Contexts a round, and contexts to measure on. */
  contexts: number;
  heldout: number;
  /** N: refinements of each output. */
  samples: number;
  rounds: number;
  /** What a round tunes: the last one's model on its own targets, or π_0 on those of all rounds so far. */
  roundMode: 'continue' | 'retrain';
  /** What π_θ is tuned on. */
  targets: TargetsName;
  /** R. */
  ranker: RankerName;
  /** What computes InstructRM. */
  host: Host;
  /** Folders of trained rankers. */
  rewardModel: string | null;
  humanLikeness: string | null;
  seed: number;
  engine: string;
  /** How the engine stores activations: float32 or bfloat16. */
  precision: string;
  temperature: number;
  topP: number;
  maxTokens: number;
  lr: number;
  epochs: number;
  batch: number;
  promptWeight: number;
  /** β of the weighted posterior, in the report and in the targets of that name; ILF's are the argmax, β → ∞. */
  beta: number;
}

/** The options that choose R. */
export type RankerChoice = Pick<LoopOptions, 'ranker' | 'host' | 'rewardModel' | 'humanLikeness'>;

export const samplingOf = ({ temperature, topP, maxTokens }: LoopOptions) => ({
  temperature,
  topP,
  maxNewTokens: maxTokens,
});

/** The same at temperature 1 from the whole vocabulary: other samples would not be from the model's own distribution. */
export const untruncated = (options: LoopOptions) => ({ ...samplingOf(options), temperature: 1, topP: 1 });

/**
 * The folder of the trained model that a ranker is; undefined for the others.
 * @throws UserError where none is given
 */
export function trainedRanker({ ranker, rewardModel, humanLikeness }: RankerChoice): string | undefined {
  if (ranker !== 'reward-model' && ranker !== 'human-likeness') return undefined;
  const dir = ranker === 'reward-model' ? rewardModel : humanLikeness;
  if (dir === null)
    throw new UserError(
      `the ranker ${ranker} is a model of its own: make one by "node train.js reward-model", and give --${ranker} DIR`,
    );
  return dir;
}

/** What rankers are opened with. */
export const rankerModelsOf = (
  options: Omit<RankerChoice, 'ranker'> & Pick<LoopOptions, 'instruct' | 'seed'>,
): RankerModels => ({
  instruct: options.instruct,
  rewardModel: options.rewardModel ?? undefined,
  humanLikeness: options.humanLikeness ?? undefined,
  seed: options.seed,
  host: options.host,
});

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
