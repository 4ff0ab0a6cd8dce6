export { bestOfNKlBound, expectedBestOfN } from './best-of-n.js';
export {
  type BootstrapOptions,
  describeInterval,
  differenceEstimate,
  type Estimate,
  meanEstimate,
  type PerContext,
  type Piece,
  ratioEstimate,
  winRate,
  winShares,
} from './estimate.js';
export {
  estimateKl,
  type KlEstimates,
  type KlResult,
  type KlSample,
  type KlSampling,
  type KlSubject,
  k1,
  k2,
  k3,
} from './kl.js';
export { pairAccuracy, pairPieces, pooledAuc, type RankedContext } from './pairs.js';
export { passAtK } from './pass-at-k.js';
export {
  type Evidence,
  type EvidenceInput,
  effectiveSampleSize,
  logEvidence,
  logSumExp,
  type Posterior,
  type PosteriorInput,
  posteriorWeights,
} from './posterior.js';
