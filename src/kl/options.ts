import type { Place } from '../pipeline/seeds.js';
import type { Task } from '../tasks/task.js';

/** What is compared, and on what. */
export interface KlOptions {
  /** What prompts contexts. */
  task: Task;
  /** Model folders: π_θ and π_0, or any two with one vocabulary. */
  tuned: string;
  base: string;
  /** A file of prompts or of texts, or the number of texts that are sampled without a prompt. */
  texts: { data: string } | { unconditional: number };
  /** Texts for each prompt. */
  samples: number;
  maxTokens: number;
  place: Place;
  /** Which of the last three were asked for: they say nothing where the texts are given. */
  asked: readonly string[];
}
