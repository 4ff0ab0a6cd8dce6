/** The studies' names alone, so that the command line can list them without loading what computes. */
export const STUDIES = [
  'targets',
  'refinements',
  'rankers',
  'reward-models',
  'sizes',
  'rounds',
  'best-of-n',
  'rl',
  'kl',
  'posterior',
  'ladder',
] as const;
export type StudyName = (typeof STUDIES)[number];
