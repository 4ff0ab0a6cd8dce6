import { UserError } from '../store/errors.js';
import type { Context, Task, TaskSplit } from '../tasks/task.js';

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
  places: Places;
}

/** Where contexts that are not the arms' come from. */
export interface Places {
  /** What reward models learn from, and what their accuracy is measured on. */
  compared: Place;
  comparedHeldOut: Place;
  /** Refinements that the likelihood is calibrated on; null where nobody can say whether one does what was asked. */
  calibrated: Place | null;
}
/** A split, and the number of the first context. */
type Place = readonly [split: TaskSplit, from: number];

export const contextsAt = (task: Task, [split, from]: Place, n: number): Context[] =>
  task.contexts(split, from, n);

/** Far from those that feedback is given on, and from each other: the embedded world has no end. */
const apart: Places = {
  compared: ['ilf', 100_000],
  comparedHeldOut: ['ilf', 400_000],
  calibrated: ['ilf', 300_000],
};

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
  places: apart,
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
  places: apart,
};

/** Contexts that a study needs at least of each split: another one's feedback is another one's. */
const FEWEST = 2;

/**
 * As large as a person's own contexts allow. Comparisons are of the very contexts that are learned from, those that accuracy is
 * measured on of the held-out ones: there are no others. @throws UserError where there are too few, or one has no reference
 */
export function fitted(scale: Scale, task: Task, file: string): Scale {
  const [learned, heldOut] = [task.size('ilf'), task.size('heldout')];
  if (learned < FEWEST || heldOut < FEWEST)
    throw new UserError(
      `${file}: ${learned + heldOut} contexts, of which a fifth is held out, are too few for the experiment; give ten or more`,
    );
  for (const split of ['ilf', 'heldout'] as const)
    for (const { id, gold } of task.contexts(split, 0, task.size(split)))
      if (gold === undefined)
        throw new UserError(
          `${file}: context ${id} has no "gold", the reference that outputs are scored against; give one to each`,
        );
  const measured = Math.min(scale.heldout, heldOut);
  const upTo = (sizes: readonly number[]) =>
    sizes.every((n) => n <= learned) ? sizes : [...sizes.filter((n) => n < learned), learned];
  const usual = Math.min(scale.usual, learned);
  return {
    ...scale,
    heldout: measured,
    heldoutFrom: 0,
    sizes: upTo(scale.sizes),
    usual,
    comparisons: upTo(scale.comparisons),
    comparisonsHeldOut: Math.min(scale.comparisonsHeldOut, heldOut),
    bestOfContexts: Math.min(scale.bestOfContexts, measured),
    posterior: Math.min(scale.posterior, measured),
    rounds: Math.min(scale.rounds, usual),
    places: { compared: ['ilf', 0], comparedHeldOut: ['heldout', 0], calibrated: null },
  };
}
