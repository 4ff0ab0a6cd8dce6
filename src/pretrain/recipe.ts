/**
 * The numbers of the recipe that makes the embedded models. Changing one changes what `npm run pretrain` trains, and
 * nothing else.
 */
export const recipe = {
  seed: 1,
  /** Made-up texts that the vocabulary is taken from. */
  vocabularyTexts: 20_000,
  /** Steps of all trainings between checkpoints, a multiple of those between lines of the log. */
  checkpointEvery: 250,
  logEvery: 25,
  base: {
    sizes: { n_layer: 5, n_head: 4, n_embd: 128, n_positions: 512 },
    steps: 1000,
    sequences: 36,
    lr: 3e-3,
  },
  /** Learns from made-up cases first, then also from what the models themselves write. */
  lessons: {
    steps: 1500,
    sequences: 16,
    lr: 2.5e-3,
    /** Shares of the mixture. */
    mix: { summary: 0.02, refine: 0.2, improve: 0.03, lookup: 0.45, check: 0.2, judge: 0.1 },
    amongPosts: 0.3,
  },
  instruct: {
    steps: 2500,
    sequences: 16,
    // At 2.5e-3 it forgot how to answer after the value within 500 steps.
    lr: 1e-3,
    mix: { summary: 0.02, refine: 0.2, improve: 0.03, lookup: 0.3, check: 0.1, judge: 0.35 },
    amongPosts: 0.7,
  },
  tuned: {
    steps: 800,
    sequences: 16,
    lr: 7e-4,
    mix: { summary: 0.03, refine: 0.2, improve: 0.07, lookup: 0.05, check: 0.05, judge: 0.6 },
    amongPosts: 0.9,
  },
  /** Cases whose initial summary the base LM writes, and those of them whose refinements the instruct LM writes. */
  sampledInitials: 12_000,
  sampledRefinements: 2_500,
  samplesPerCase: 4,
} as const;

export type Mixture = Pick<(typeof recipe)['lessons' | 'instruct' | 'tuned'], 'mix' | 'amongPosts'>;
