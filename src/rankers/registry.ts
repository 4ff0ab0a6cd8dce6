/** Every ranker there is, by name. The oracle is none of them: it is for measurement only. */
import { fromRegistry } from '../store/plug-in.js';
import { embeddingSimilarity } from './embedding-similarity.js';
import { humanLikeness } from './human-likeness.js';
import { instructRm, instructRmPrompts } from './instruct-rm.js';
import { longest } from './longest.js';
import { random } from './random.js';
import type { RankerDescriptor } from './ranker.js';
import { rewardModel } from './reward-model.js';

export const rankers: readonly RankerDescriptor[] = [
  instructRm,
  ...instructRmPrompts,
  rewardModel,
  humanLikeness,
  embeddingSimilarity,
  longest,
  random,
];

/** The ranker of this name, or a person's own, a module's path. @throws UserError where there is none */
export const findRanker = (name: string): Promise<RankerDescriptor> => fromRegistry('ranker', rankers, name);
