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
  /** Called often; a call costs as much as the caller makes of it. */
  onProgress?: ((event: ProgressEvent) => void) | undefined;
  /** Ends the work soon, between two tokens or two steps: its promise is rejected with the signal's reason. */
  signal?: AbortSignal | undefined;
}

/** Reports to `watch`, and throws the signal's reason where that was given. */
export const watched =
  ({ onProgress, signal }: Watch): Progress =>
  (doing, done, total, unit) => {
    signal?.throwIfAborted();
    onProgress?.({ doing, done, total, unit });
  };
