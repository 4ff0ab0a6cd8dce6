/**
 * Standard normal distribution function Φ(z). West (2005), "Better approximations to cumulative normal functions",
 * after Hart (1968): close to double precision everywhere.
 */
export function normalCdf(z: number): number {
  const x = Math.abs(z);
  if (Number.isNaN(x)) return Number.NaN;
  let tail = 0;
  if (x <= 37) {
    const e = Math.exp((-x * x) / 2);
    if (x < 7.07106781186547) {
      let a = 3.52624965998911e-2 * x + 0.700383064443688;
      for (const c of [
        6.37396220353165, 33.912866078383, 112.079291497871, 221.213596169931, 220.206867912376,
      ])
        a = a * x + c;
      let b = 8.83883476483184e-2 * x + 1.75566716318264;
      for (const c of [
        16.064177579207, 86.7807322029461, 296.564248779674, 637.333633378831, 793.826512519948,
        440.413735824752,
      ])
        b = b * x + c;
      tail = (e * a) / b;
    } else {
      const b = x + 1 / (x + 2 / (x + 3 / (x + 4 / (x + 0.65))));
      tail = e / b / 2.506628274631;
    }
  }
  return z > 0 ? 1 - tail : tail;
}

/**
 * Standard normal quantile Φ⁻¹(p), p in [0, 1]; ±Infinity at the ends. Acklam's rational approximation
 * (relative error below 1.2e-9), far below the noise of any bootstrap that asks for it.
 */
export function normalQuantile(p: number): number {
  if (!(p >= 0 && p <= 1)) throw new RangeError(`normalQuantile: p = ${p} is not a probability`);
  if (p === 0) return Number.NEGATIVE_INFINITY;
  if (p === 1) return Number.POSITIVE_INFINITY;
  if (p > 0.5) return -normalQuantile(1 - p);
  if (p < 0.02425) {
    const q = Math.sqrt(-2 * Math.log(p));
    return (
      horner(
        [
          -7.784894002430293e-3, -0.3223964580411365, -2.400758277161838, -2.549732539343734,
          4.374664141464968, 2.938163982698783,
        ],
        q,
      ) / horner([7.784695709041462e-3, 0.3224671290700398, 2.445134137142996, 3.754408661907416, 1], q)
    );
  }
  const q = p - 0.5;
  const r = q * q;
  return (
    (q *
      horner(
        [
          -39.69683028665376, 220.9460984245205, -275.9285104469687, 138.357751867269, -30.66479806614716,
          2.506628277459239,
        ],
        r,
      )) /
    horner(
      [-54.47609879822406, 161.5858368580409, -155.6989798598866, 66.80131188771972, -13.28068155288572, 1],
      r,
    )
  );
}

/** The polynomial with these coefficients, highest power first, at x. */
function horner(coefficients: number[], x: number): number {
  return coefficients.reduce((sum, c) => sum * x + c, 0);
}
