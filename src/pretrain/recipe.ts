/**
 * The numbers of the recipe that makes the embedded models. Changing one changes what `npm run pretrain` trains, and
 * nothing else.
 */
export const recipe = {
  seed: 1,
  base: {
    sizes: { n_layer: 4, n_head: 4, n_embd: 128, n_positions: 384 },
    steps: 1500,
    sequences: 40,
    lr: 3e-3,
  },
  /** Learns from made-up cases first, then also from what the models themselves write. */
  instruct: {
    sizes: { n_layer: 4, n_head: 4, n_embd: 160, n_positions: 384 },
    steps: 4000,
    sequences: 24,
    lr: 3e-3,
    /** Shares of the mixture. */
    mix: { summary: 0.1, refine: 0.3, improve: 0.1, judge: 0.5 },
  },
  tuned: {
    steps: 1200,
    sequences: 24,
    lr: 1e-3,
    mix: { summary: 0.1, refine: 0.25, improve: 0.1, judge: 0.55 },
  },
  /** Cases whose initial summary the base LM writes, and those of them whose refinements the instruct LM writes. */
  sampledInitials: 20_000,
  sampledRefinements: 5_000,
  samplesPerCase: 6,
} as const;

export type Mix = (typeof recipe)['instruct' | 'tuned']['mix'];
