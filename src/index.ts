/**
 * ILF as a library: `import { loadModel, sample, score, finetune, kl, runLoop } from 'ilf'` (docs/library.md).
 * What is not exported here may change at any time.
 */
export * from './bayes/index.js';
export { type EngineChoice, type StartedEngine, startEngine } from './library/engine.js';
export { type Example, type FinetuneOptions, finetune } from './library/finetune.js';
export { type KlOptions, kl } from './library/kl.js';
export { type LoopResult, type LoopWatch, runLoop } from './library/loop.js';
export {
  loadModel,
  type Model,
  type Sampled,
  type SampleOptions,
  type ScoreItem,
  sample,
  score,
} from './library/model.js';
export type { LoopSettings } from './library/settings.js';
export type { ProgressEvent, Watch } from './library/watch.js';
export { UserError } from './store/errors.js';
export { embeddedModel } from './store/package.js';
