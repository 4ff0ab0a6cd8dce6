/**
 * pass@k of one task: the chance that at least one of k samples passes, from n samples of which c passed:
 * 1 − C(n − c, k) / C(n, k), as the product 1 − Π_{i=n−c+1..n} (1 − k/i) that cannot overflow (Chen et al. 2021,
 * "Evaluating large language models trained on code"). Unbiased; average it over tasks.
 * @throws RangeError unless 0 ≤ c ≤ n and 1 ≤ k ≤ n, all whole
 */
export function passAtK(n: number, c: number, k: number): number {
  if (![n, c, k].every(Number.isInteger) || c < 0 || c > n || k < 1 || k > n)
    throw new RangeError(`passAtK: n = ${n}, c = ${c}, k = ${k}; needs 0 ≤ c ≤ n and 1 ≤ k ≤ n`);
  if (n - c < k) return 1;
  let allFail = 1;
  for (let i = n - c + 1; i <= n; i++) allFail *= 1 - k / i;
  return 1 - allFail;
}
