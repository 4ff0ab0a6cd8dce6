/** Rankers by their names. The oracle is none of them: it is for measurement only. */
import { UserError } from '../store/errors.js';
import { judgePrompts } from '../tasks/prompts.js';
import { openEmbeddingSimilarity } from './embedding-similarity.js';
import { openHumanLikeness } from './human-likeness.js';
import { openInstructRM } from './instruct-rm.js';
import { longestRanker } from './longest.js';
import type { Host, RankerName } from './names.js';
import { randomRanker } from './random.js';
import type { OpenRanker } from './ranker.js';
import { openRewardModel } from './reward-model.js';

export type { OpenRanker } from './ranker.js';

/** Where the models are that rankers use, and what else they depend on. */
export interface RankerModels {
  /** Folder of the instruction-tuned LM: InstructRM's, and the one that embeds texts. */
  instruct: string;
  rewardModel?: string | undefined;
  humanLikeness?: string | undefined;
  /** Of the random ranker. */
  seed: number;
  /** What InstructRM runs on. The other models have no onnx/model.onnx and run on our engine. */
  host: Host;
}

/** Errors: UserError for a folder that the ranker needs and that was not given, or that cannot be used. */
export async function openRanker(name: RankerName, models: RankerModels): Promise<OpenRanker> {
  const { instruct, host } = models;
  const one = (number: 1 | 2 | 3 | 4 | 5) =>
    openInstructRM(name, instruct, [judgePrompts[number - 1]!], host);
  switch (name) {
    case 'instruct-rm':
      return openInstructRM(name, instruct, judgePrompts, host);
    case 'instruct-rm-1':
      return one(1);
    case 'instruct-rm-2':
      return one(2);
    case 'instruct-rm-3':
      return one(3);
    case 'instruct-rm-4':
      return one(4);
    case 'instruct-rm-5':
      return one(5);
    case 'reward-model':
      return openRewardModel(needed(name, models.rewardModel));
    case 'human-likeness':
      return openHumanLikeness(needed(name, models.humanLikeness));
    case 'embedding':
      return openEmbeddingSimilarity(instruct);
    case 'longest':
      return { ...longestRanker(), close: async () => {} };
    case 'random':
      return { ...randomRanker(models.seed), close: async () => {} };
    default:
      return name satisfies never;
  }
}

function needed(name: 'reward-model' | 'human-likeness', dir: string | undefined): string {
  if (dir === undefined) throw new UserError(`the ranker ${name} needs a trained model: give --${name} DIR`);
  return dir;
}
