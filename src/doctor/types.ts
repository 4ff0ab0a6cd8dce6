/** What `doctor` finds. This is also the shape of its JSON document. */
import type { EngineName, Need } from '../engine/engines/kind.js';
import type { Precision } from '../engine/index.js';

/** An engine that computed in one precision, or did not. */
export interface Trial {
  precision: Precision;
  works: boolean;
  /** As the engine describes itself; where it does not work, what went wrong. */
  detail: string;
}

export interface EngineReport {
  name: EngineName;
  /** What it needs, as far as it could be asked. */
  needs: Need[];
  /** The GPU that it computes on; null for engines that have none, or could not be asked. */
  gpu: Need | null;
  /** One for each of its precisions, as far as it came. */
  trials: Trial[];
  works: boolean;
  /** Why it does not work, and what to do about it; null where it works. */
  problem: string | null;
}

export interface Examination {
  version: string;
  /** The computer and what is installed on it. What is not found is not always needed. */
  system: Need[];
  engines: EngineReport[];
  /** The engine of a run without options, and that of one with --gpu (null: there is none). */
  byDefault: EngineName;
  onGpu: EngineName | null;
  /** Whether `node train.js` computes: the engine `byDefault` works. */
  ok: boolean;
}

/** What the process that tries an engine tells as it gets along. */
export type News = { needs: Need[] } | { gpu: Need } | { trial: Trial };
