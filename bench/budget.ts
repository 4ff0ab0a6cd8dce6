/** `--seconds`: what is left of the time that a whole command may take. */

export interface Budget {
  /** Seconds; Infinity without a limit, 0 or less when the time is up. */
  left(): number;
}

/** The time is up: a child was ended, or not started. No failure: what was measured until then counts. */
export class TimeUp extends Error {
  override readonly name = 'TimeUp';
}

/** Seconds kept back, to write and print what was measured. */
const ENDING = 1;

/** now: seconds since the command began; by default since this process began. */
export const budgetOf = (seconds: number | undefined, now = () => performance.now() / 1000): Budget => ({
  left: () => (seconds === undefined ? Infinity : seconds - ENDING - now()),
});

/** Half of what is left now. */
export function half(whole: Budget): Budget {
  const kept = whole.left() / 2;
  return kept === Infinity ? whole : { left: () => whole.left() - kept };
}
