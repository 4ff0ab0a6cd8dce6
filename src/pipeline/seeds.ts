import { hash32 } from '../tasks/random.js';

/** A seed of its own for each step of each round, in [0, 2³¹): no step's numbers depend on how many another drew. */
export const stepSeed = (seed: number, folder: string, step: string): number =>
  hash32(`${seed}/${folder}/${step}`) >>> 1;

/** Which of a run's seeds: the run's own seed, and the folder of its round. */
export interface Place {
  seed: number;
  round: number;
}
export const seedOf = ({ seed, round }: Place, step: string) => stepSeed(seed, `round-${round}`, step);
