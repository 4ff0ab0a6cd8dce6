export { bestOfNKl, bestOfNKlBound, bestOfNKlToBase, expectedBestOfN } from './best-of-n.js';
export {
  type Calibration,
  calibrate,
  type Forecasts,
  fitCalibration,
  type Reliability,
  type ReliabilityBin,
  reliability,
} from './calibration.js';
export { type CrossedEstimate, crossedDifference, crossedEstimate, crossedWinRate } from './crossed.js';
export {
  type KlByPosition,
  type KlText,
  klByPosition,
  klByToken,
  type PositionKl,
  type TokenKl,
} from './decompose.js';
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
export { leaveOneOutAdvantages, penalisedRewards } from './rloo.js';
export {
  type EvidenceEstimate,
  evidenceEstimate,
  type KlFromTarget,
  type KlToTarget,
  klFromTarget,
  klToTarget,
  type PolicySamples,
  type TargetSamples,
} from './target.js';
