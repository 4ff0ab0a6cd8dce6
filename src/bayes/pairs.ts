// Does a ranker order samples as an oracle does? Ranking chooses among the samples of one context, so pairs within a
// context are what counts. Pooled over contexts, a ranker may score well by telling easy contexts from hard ones, and
// still be at chance where it is used: the pooled number is here for that contrast only.
import { type BootstrapOptions, type Estimate, type Piece, ratioEstimate } from './estimate.js';

/** The samples of one context, as a ranker and an oracle score them; same length, higher is better. */
export interface RankedContext {
  ranker: ArrayLike<number>;
  oracle: ArrayLike<number>;
}

/**
 * Pairs within each context: `weight` counts those whose oracle scores differ, `sum` those the ranker orders alike, its
 * ties as half. A context without such pairs has weight 0, and still is a context.
 * @throws RangeError on different lengths or NaN
 */
export function pairPieces(contexts: readonly RankedContext[]): Piece[] {
  return contexts.map((context, i) => {
    check(context, i);
    return comparePairs(context, context);
  });
}

/**
 * Within-context pair accuracy, Σ correct / Σ pairs: 0.5 is chance. Interval by bootstrap over contexts.
 * @throws RangeError as {@link pairPieces}, and where no context has a pair that the oracle tells apart
 */
export function pairAccuracy(contexts: readonly RankedContext[], options: BootstrapOptions = {}): Estimate {
  const pieces = pairPieces(contexts);
  if (!pieces.some((piece) => piece.weight > 0))
    throw new RangeError(
      `pairAccuracy: in none of ${contexts.length} contexts does the oracle tell two samples apart`,
    );
  return ratioEstimate(pieces, { bounds: [0, 1], ...options });
}

/**
 * The same share over all pairs, of different contexts too; with a 0/1 oracle this is the area under the ROC curve.
 * The interval bootstraps contexts on the statistic's first-order (Hájek) projection, each context's row of pairs, which
 * spares a table of all context pairs per resample. Time O(samples²).
 * @throws RangeError as {@link pairAccuracy}
 */
export function pooledAuc(contexts: readonly RankedContext[], options: BootstrapOptions = {}): Estimate {
  const n = contexts.length;
  const rows: Piece[] = contexts.map((context, i) => {
    check(context, i);
    return { sum: 0, weight: 0 };
  });
  for (let i = 0; i < n; i++)
    for (let j = i; j < n; j++) {
      const piece = comparePairs(contexts[i]!, contexts[j]!);
      // Ordered pairs: a pair within a context counts in its row twice, as one across counts in two rows.
      for (const row of [rows[i]!, rows[j]!]) {
        row.sum += piece.sum;
        row.weight += piece.weight;
      }
    }
  // S = Σ_ij w_i w_j s_ij has the projection Σ_i w_i (2 s_i· − S/n), which is S itself at w = 1.
  const total = rows.reduce((sum, row) => ({ sum: sum.sum + row.sum, weight: sum.weight + row.weight }), {
    sum: 0,
    weight: 0,
  });
  if (!(total.weight > 0))
    throw new RangeError(`pooledAuc: the oracle tells no two samples of ${n} contexts apart`);
  return ratioEstimate(
    rows.map((row) => ({ sum: 2 * row.sum - total.sum / n, weight: 2 * row.weight - total.weight / n })),
    { bounds: [0, 1], ...options },
  );
}

/** Pairs of a sample of `a` with one of `b` (unordered within the same context) whose oracle scores differ. */
function comparePairs(a: RankedContext, b: RankedContext): Piece {
  const piece: Piece = { sum: 0, weight: 0 };
  for (let i = 0; i < a.oracle.length; i++)
    for (let j = a === b ? i + 1 : 0; j < b.oracle.length; j++) {
      const oracle = Math.sign(a.oracle[i]! - b.oracle[j]!);
      if (oracle === 0) continue;
      const ranker = Math.sign(a.ranker[i]! - b.ranker[j]!);
      piece.weight += 1;
      piece.sum += ranker === 0 ? 0.5 : ranker === oracle ? 1 : 0;
    }
  return piece;
}

function check(context: RankedContext, i: number): void {
  const { ranker, oracle } = context;
  if (ranker.length !== oracle.length)
    throw new RangeError(
      `pairs: context ${i} has ${ranker.length} ranker scores and ${oracle.length} oracle scores`,
    );
  if (Array.from(ranker).some(Number.isNaN) || Array.from(oracle).some(Number.isNaN))
    throw new RangeError(`pairs: context ${i} holds NaN`);
}
