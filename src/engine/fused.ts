/**
 * The fused operations: what would cost too much as separate tfjs ops. Each has one signature and two
 * implementations, native under the `cpu` engine and a composition of tfjs ops under every other backend.
 */
export {
  type AdamHyper,
  type AdamState,
  adamw,
  createAdamState,
  disposeAdamState,
  readMoments,
  sumOfLosses,
  writeMoments,
} from './ops/adamw.js';
export { type AttentionShape, causalAttention, type Projected } from './ops/causal-attention.js';
export { crossEntropyLoss } from './ops/cross-entropy-loss.js';
export {
  type Decoder,
  type Drawing,
  type KeptDecoder,
  openDecoder,
  rowsTogether,
  stepByStep,
} from './ops/decode.js';
export { embed, embeddingGradient } from './ops/embed.js';
export { gatherRows } from './ops/gather-rows.js';
export { globalNorm } from './ops/global-norm.js';
export { type GluActivation, glu } from './ops/glu.js';
export { type LinearOptions, linear } from './ops/linear.js';
export { type Compared, linearCompare } from './ops/linear-compare.js';
export { linearCrossEntropy } from './ops/linear-cross-entropy.js';
export { linearKL } from './ops/linear-kl.js';
export { type Branches, layerNorm, layerNormBranch, rmsNorm, rmsNormBranch } from './ops/norm.js';
export { type Rotation, rotary } from './ops/rotary.js';
export { type Filters, sampleTokens } from './ops/sample-tokens.js';
