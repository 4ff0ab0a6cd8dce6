import type { CommandModule, InferredOptionTypes } from 'yargs';
import { formatOf } from '../ilf/targets.js';
import { TARGETS } from '../pipeline/targets-names.js';
import {
  DEFAULTS,
  embeddedModel,
  engineOptions,
  path,
  placeOf,
  requiredPath,
  samplingOf,
  samplingOptions,
  wholeNumber,
} from './options.js';
import { compute } from './session.js';

const options = {
  contexts: requiredPath('contexts', 'Table of contexts c'),
  model: path('model', 'folder of π_θ', 'the embedded base LM'),
  out: requiredPath('out', 'Where the table goes'),
  targets: {
    choices: TARGETS,
    requiresArg: true,
    description: 'what the model was tuned on: an output follows feedback where that came first',
    defaultDescription: 'ilf',
  },
  round: wholeNumber('round', 1, 'round k, for the seeds', '1'),
  ...samplingOptions,
  ...engineOptions,
};

export const generateCommand: CommandModule<object, InferredOptionTypes<typeof options>> = {
  command: 'generate',
  describe: 'step 1 alone: x0 ~ π_θ(·|c), an Arrow table',
  builder: options,
  handler: async (given) => {
    await compute(given, async (show) => {
      const { generateAlone } = await import('../ilf/alone.js');
      await generateAlone(
        { contexts: given.contexts, model: given.model ?? embeddedModel('base'), out: given.out },
        samplingOf(given),
        placeOf(given),
        formatOf(given.targets ?? DEFAULTS.targets),
        show.progress,
      );
    });
  },
};
