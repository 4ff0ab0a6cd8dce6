import type { CommandModule, InferredOptionTypes } from 'yargs';
import {
  embeddedModel,
  engineOptions,
  path,
  placeFrom,
  requiredPath,
  skipOption,
  taskFrom,
  taskOptions,
  tooLongFrom,
  tuningFrom,
  tuningOptions,
  wholeNumber,
} from './options.js';
import { requireOutFolder } from './out.js';
import { compute } from './session.js';

const options = {
  contexts: requiredPath('contexts', 'Table of contexts c'),
  targets: requiredPath('targets', 'Table of targets: texts to learn, and their weights'),
  model: path('model', 'folder of π_θ', 'the embedded base LM'),
  out: requiredPath('out', 'Where the tuned model goes'),
  round: wholeNumber('round', 1, 'round k, for the seeds', '1'),
  seed: wholeNumber('seed', 0, 'seed of everything random', '0'),
  ...taskOptions,
  ...skipOption,
  ...tuningOptions,
  ...engineOptions,
};

export const finetuneCommand: CommandModule<object, InferredOptionTypes<typeof options>> = {
  command: 'finetune',
  describe: 'step 5 alone: π_θ tuned on (c → x1), a model folder',
  builder: options,
  handler: async (given) => {
    await requireOutFolder(given);
    await compute(given, async ({ progress }) => {
      const { finetuneCommand: run } = await import('../ilf/finetune.js');
      const { contexts, targets, out, model = embeddedModel('base') } = given;
      const how = {
        task: await taskFrom(given),
        tuning: tuningFrom(given),
        place: placeFrom(given),
        tooLong: tooLongFrom(given),
      };
      await run({ contexts, targets, model, out, ...how }, progress);
    });
  },
};
