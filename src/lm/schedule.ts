/** Learning-rate schedules. */

export interface Schedule {
  /** Peak learning rate. */
  lr: number;
  /** Steps of linear warm-up; the first step has lr / warmup. */
  warmup: number;
  /**
   * After the warm-up: a cosine from lr to floor·lr at the last step (Loshchilov & Hutter 2017), or lr
   * throughout.
   */
  decay: 'cosine' | 'constant';
  /** Fraction of lr that the cosine ends at. */
  floor: number;
}

/** The learning rate of step 0..steps−1. */
export function learningRate({ lr, warmup, decay, floor }: Schedule, step: number, steps: number): number {
  if (step < warmup) return (lr * (step + 1)) / warmup;
  if (decay === 'constant') return lr;
  const progress = Math.min(1, (step - warmup) / Math.max(1, steps - 1 - warmup));
  return lr * (floor + (1 - floor) * 0.5 * (1 + Math.cos(Math.PI * progress)));
}
