/** Numbers that are numbers: neither NaN nor infinite. */

/** Whether all are. */
export const allFinite = (x: Float32Array): boolean => x.every(Number.isFinite);

/** The first that is none, in words, such as "NaN at number 17 of 4096"; undefined where all are finite. */
export function firstNotFinite(x: Float32Array): string | undefined {
  const at = x.findIndex((value) => !Number.isFinite(value));
  return at < 0 ? undefined : `${x[at]} as number ${at + 1} of ${x.length}`;
}
