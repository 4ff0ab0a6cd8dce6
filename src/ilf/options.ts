import { UserError } from '../store/errors.js';
import type { Task } from '../tasks/task.js';

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
  /** β of the weighted posterior in the report; training takes the argmax, β → ∞. */
  beta: number;
}

export const samplingOf = ({ temperature, topP, maxTokens }: LoopOptions) => ({
  temperature,
  topP,
  maxNewTokens: maxTokens,
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
