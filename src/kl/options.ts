import type { Place } from '../pipeline/seeds.js';
import type { TooLong } from '../pipeline/too-long.js';
import type { Task } from '../tasks/task.js';

/** What is compared, and on what. */
export interface KlOptions {
  /** What prompts contexts. */
  task: Pick<Task, 'name' | 'prompts'>;
  /** Model folders: π_θ and π_0, or any two with one vocabulary. */
  tuned: string;
  base: string;
  /** A file of prompts or of texts, or the number of texts that are sampled without a prompt. */
  texts: { data: string } | { unconditional: number };
  /** Texts for each prompt. */
  samples: number;
  maxTokens: number;
  tooLong: TooLong;
  place: Place;
  /** Which of the last three were asked for: they say nothing where the texts are given. */
  asked: readonly string[];
}
