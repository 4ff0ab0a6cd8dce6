/** How a caller follows long work, and ends it. */
import type { Progress } from '../pipeline/progress.js';

/** How far work is: "sampling refinements", 120 of 1500 texts. */
export interface ProgressEvent {
  doing: string;
  done: number;
  total: number;
  /** What is counted: "texts", "steps". */
  unit: string;
}

export interface Watch {
  /** Called often, and not waited for: what it throws ends the work, what it promises is of no interest. */
  onProgress?: ((event: ProgressEvent) => void) | undefined;
  /** Ends the work soon, between two tokens or two steps: its promise is rejected with the signal's reason. */
  signal?: AbortSignal | undefined;
}

/** Reports to `watch`, and throws the signal's reason where that was given. */
export const watched =
  ({ onProgress, signal }: Watch): Progress =>
  (doing, done, total, unit) => {
    signal?.throwIfAborted();
    const promised: unknown = onProgress?.({ doing, done, total, unit });
    // A rejection that nobody waits for would end the caller's process.
    if (promised instanceof Promise) promised.catch(() => {});
  };
