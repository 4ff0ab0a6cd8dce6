import type { CommandModule, InferredOptionTypes } from 'yargs';
import {
  DEFAULTS,
  embeddedModel,
  engineOptions,
  notNegative,
  path,
  placeFrom,
  positive,
  requiredPath,
  skipOption,
  taskFrom,
  taskOptions,
  tooLongFrom,
  wholeNumber,
} from './options.js';
import { inputsOf } from './out.js';
import { compute } from './session.js';

const RL_DEFAULTS = { beta: 0.1, steps: 60, prompts: 8, samples: 8, lr: 3e-4 };

const options = {
  contexts: requiredPath('contexts', 'Table of contexts c'),
  'reward-model': requiredPath('reward-model', 'Folder of the reward model'),
  model: path('model', 'folder that π_θ starts from', 'the embedded base LM'),
  base: path('base', 'folder of the base LM π_0', 'the embedded one'),
  out: requiredPath(
    'out',
    'Where the tuned folder goes; a training that was killed goes on from OUT.checkpoint',
  ),
  log: path('log', 'where a table of its steps goes', 'only into the tuned folder'),
  beta: notNegative('beta', 'weight of the KL penalty, in reward per nat', '0.1'),
  steps: wholeNumber('steps', 1, 'gradient steps', '60'),
  prompts: wholeNumber('prompts', 1, 'contexts a step', '8'),
  samples: { ...wholeNumber('samples', 2, 'texts sampled for each context of a step', '8'), alias: 'n' },
  lr: positive('lr', 'learning rate of AdamW', '3e-4'),
  'max-tokens': wholeNumber('max-tokens', 1, 'tokens of a text at most', '48'),
  seed: wholeNumber('seed', 0, 'seed of everything random', '0'),
  round: wholeNumber('round', 1, 'round k, for the seeds', '1'),
  ...taskOptions,
  ...skipOption,
  ...engineOptions,
};

export const rlCommand: CommandModule<object, InferredOptionTypes<typeof options>> = {
  command: 'rl',
  describe: 'RL with a KL penalty (RLOO) for a reward model: a tuned model folder',
  builder: options,
  handler: async (given) => {
    const { requirePlaceForFile, requirePlaceForFolder } = await import('../store/place.js');
    const inputs = inputsOf(given, 'out', 'log');
    for (const dir of [given.out, `${given.out}.checkpoint`]) await requirePlaceForFolder(dir, inputs);
    if (given.log !== undefined) await requirePlaceForFile(given.log, inputs);
    await compute(given, async ({ progress }) => {
      const { rlCommand: run } = await import('../baselines/rloo.js');
      const { contexts, out, log, 'reward-model': rewardModel } = given;
      const { model = embeddedModel('base'), base = embeddedModel('base') } = given;
      const rl = {
        beta: given.beta ?? RL_DEFAULTS.beta,
        steps: given.steps ?? RL_DEFAULTS.steps,
        prompts: given.prompts ?? RL_DEFAULTS.prompts,
        samples: given.samples ?? RL_DEFAULTS.samples,
        lr: given.lr ?? RL_DEFAULTS.lr,
        maxTokens: given['max-tokens'] ?? DEFAULTS.maxTokens,
      };
      const how = {
        task: await taskFrom(given),
        options: rl,
        place: placeFrom(given),
        tooLong: tooLongFrom(given),
      };
      await run({ contexts, model, base, rewardModel, out, log, ...how }, progress);
    });
  },
};
