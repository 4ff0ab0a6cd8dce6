import type { CommandModule, InferredOptionTypes } from 'yargs';
import { targetKind, targetKinds } from '../ilf/target-kinds.js';
import {
  DEFAULTS,
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

const options = {
  contexts: requiredPath('contexts', 'Table of contexts c'),
  model: path('model', 'folder of π_θ', 'the embedded base LM'),
  out: requiredPath('out', 'Where the table goes'),
  targets: {
    choices: targetKinds.map(({ name }) => name),
    requiresArg: true,
    description: 'what the model was tuned on: an output follows feedback where that came first',
    defaultDescription: 'ilf',
  },
  round: wholeNumber('round', 1, 'round k, for the seeds', '1'),
  ...taskOptions,
  ...skipOption,
  ...samplingOptions,
  ...engineOptions,
};

export const generateCommand: CommandModule<object, InferredOptionTypes<typeof options>> = {
  command: 'generate',
  describe: 'step 1 alone: x0 ~ π_θ(·|c), an Arrow table',
  builder: options,
  handler: async (given) => {
    await requireOutFile(given);
    await compute(given, async ({ progress }) => {
      const { generateCommand: run } = await import('../ilf/generate.js');
      const { contexts, out, model = embeddedModel('base'), targets = DEFAULTS.targets } = given;
      const how = {
        task: await taskFrom(given),
        sampling: samplingFrom(given),
        place: placeFrom(given),
        tooLong: tooLongFrom(given),
      };
      await run({ contexts, model, out, writes: targetKind(targets).writes, ...how }, progress);
    });
  },
};
