/** How large the studies are: the whole, for the results that are kept, and a quick look at all of it. */
export interface Scale {
  /** Held-out contexts, the same for all seeds and methods, and the number of the first: nobody looks at them before the end. */
  heldout: number;
  heldoutFrom: number;
  /** Texts sampled of each held-out context from every model. */
  texts: number;
  /** Contexts with feedback; the last of these sizes is all there are, the arms' usual size is `usual`. */
  sizes: readonly number[];
  usual: number;
  /** Comparisons that reward models learn from; the last is what the reward model of all other studies learns from. */
  comparisons: readonly number[];
  /** Comparisons that the reward models' accuracy is measured on. */
  comparisonsHeldOut: number;
  /** Samples of each context, of which best-of-n picks, and how many of the held-out contexts have them. */
  bestOf: number;
  bestOfContexts: number;
  /** RL with a KL penalty. */
  betas: readonly number[];
  rlSteps: number;
  /** Texts without a prompt, for the papers' unconditional KL. */
  unconditional: number;
  /** Held-out contexts of the posterior's study, and texts of each. */
  posterior: number;
  /** Refinements that the likelihood is calibrated on: contexts, five of each. */
  calibration: number;
  rounds: number;
  ladder: { rungs: readonly number[]; steps: number };
}

export const full: Scale = {
  heldout: 250,
  heldoutFrom: 1000,
  texts: 4,
  sizes: [25, 100, 300, 1000],
  usual: 300,
  comparisons: [100, 300, 1000],
  comparisonsHeldOut: 500,
  bestOf: 64,
  bestOfContexts: 150,
  betas: [2, 0.5, 0.125],
  rlSteps: 50,
  unconditional: 1000,
  posterior: 50,
  calibration: 200,
  rounds: 3,
  ladder: { rungs: [0, 1, 2, 3], steps: 900 },
};

/** Other held-out contexts than the whole's, since this is what one looks at while working on the program. */
export const quick: Scale = {
  heldout: 60,
  heldoutFrom: 500,
  texts: 2,
  sizes: [25, 100],
  usual: 100,
  comparisons: [100, 300],
  comparisonsHeldOut: 100,
  bestOf: 16,
  bestOfContexts: 30,
  betas: [0.5],
  rlSteps: 10,
  unconditional: 100,
  posterior: 12,
  calibration: 40,
  rounds: 2,
  ladder: { rungs: [0, 1], steps: 150 },
};
