import fc from 'fast-check';

/** The same cases every time: a failure says which, and stands as it is when the tests are run again. */
const SEED = 20230328;

/** Checks a property on `runs` cases; a failure names the smallest counterexample that was found. */
export const holds = <T>(property: fc.IProperty<T>, runs = 100): void =>
  fc.assert(property, { seed: SEED, numRuns: runs });

/** The same of a property that has to be waited for. */
export const holdsAsync = <T>(property: fc.IAsyncProperty<T>, runs = 50): Promise<void> =>
  fc.assert(property, { seed: SEED, numRuns: runs });
