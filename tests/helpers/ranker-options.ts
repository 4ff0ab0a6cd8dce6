import type { RankerOptions } from '../../src/rankers/ranker.js';
import { briefs } from '../../src/tasks/briefs/task.js';

/** What a ranker is opened with: nothing that a test does not name, and the prompts of the embedded world. */
export const rankerOptions = (of: Partial<RankerOptions> = {}): RankerOptions => ({
  judge: 'no judge',
  rewardModel: null,
  humanLikeness: null,
  host: 'engine',
  seed: 0,
  prompts: briefs.prompts,
  ...of,
});
