/**
 * Tests of tfjs-core that the `cpu` engine need not pass, by full name, each with its reason. The runner runs
 * them all the same, and fails for an entry that matches no test or whose test passes.
 *
 * Empty: what a test cannot do in Node (draw on a canvas, read a video), tfjs itself leaves out there.
 */
export interface Exclusion {
  test: string;
  reason: string;
}

export const EXCLUSIONS: Exclusion[] = [];
