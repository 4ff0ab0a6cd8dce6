import type { CommandModule, InferredOptionTypes } from 'yargs';
import type { BestOfN } from '../baselines/best-of-n.js';
import {
  embeddedModel,
  engineOptions,
  path,
  placeFrom,
  requiredPath,
  samplingFrom,
  samplingOptions,
  skipOption,
  taskFrom,
  taskOptions,
  tooLongFrom,
  wholeNumber,
} from './options.js';
import { requireOutFile } from './out.js';
import { compute } from './session.js';
import { print, printJson } from './streams.js';

/** The estimates in words, for people. */
function describe(rows: readonly BestOfN[]): string {
  return rows
    .map(
      ({ n, reward, kl, klBound }) =>
        `best of ${n}: reward ${reward.value.toFixed(4)} [${reward.lo.toFixed(4)}, ${reward.hi.toFixed(4)}], KL ${kl.value.toFixed(4)} nats (bound ${klBound.toFixed(4)}), ${reward.n} contexts`,
    )
    .join('\n');
}

const options = {
  contexts: requiredPath('contexts', 'Table of contexts c'),
  'reward-model': requiredPath('reward-model', 'Folder of the reward model'),
  model: path('model', 'folder of the model that is sampled', 'the embedded base LM'),
  base: path('base', 'folder of the base LM π_0', 'the embedded one'),
  samples: { ...wholeNumber('samples', 1, 'texts sampled for each context', '64'), alias: 'n' },
  out: requiredPath('out', 'Where the table goes'),
  round: wholeNumber('round', 1, 'round k, for the seeds', '1'),
  ...taskOptions,
  ...skipOption,
  ...samplingOptions,
  ...engineOptions,
  json: { type: 'boolean' as const, description: 'the estimates as one JSON document' },
};

export const bestOfNCommand: CommandModule<object, InferredOptionTypes<typeof options>> = {
  command: 'best-of-n',
  describe:
    'best-of-n by a reward model: an Arrow table of scored texts; expected reward and KL for n = 1, 2, 4, …',
  builder: options,
  handler: async (given) => {
    await requireOutFile(given);
    await compute(given, async ({ progress, stop }) => {
      const { bestOfNCommand: run } = await import('../baselines/best-of-n.js');
      const { contexts, out, 'reward-model': rewardModel } = given;
      const { model = embeddedModel('base'), base = embeddedModel('base'), samples: n = 64 } = given;
      const how = {
        task: await taskFrom(given),
        n,
        sampling: samplingFrom(given),
        place: placeFrom(given),
        tooLong: tooLongFrom(given),
      };
      const estimates = await run({ contexts, model, base, rewardModel, out, ...how }, progress);
      stop();
      await (given.json ? printJson(estimates) : print(describe(estimates)));
    });
  },
};
