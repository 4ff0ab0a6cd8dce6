import type { CommandModule, InferredOptionTypes } from 'yargs';
import {
  embeddedModel,
  engineOptions,
  path,
  placeOf,
  requiredPath,
  samplingOf,
  samplingOptions,
  wholeNumber,
} from './options.js';
import { showProgress, startSession } from './session.js';

const options = {
  contexts: requiredPath('contexts', 'Table of contexts c'),
  model: path('model', 'folder of π_θ', 'the embedded base LM'),
  out: requiredPath('out', 'Where the table goes'),
  round: wholeNumber('round', 1, 'round k, for the seeds', '1'),
  ...samplingOptions,
  ...engineOptions,
};

export const generateCommand: CommandModule<object, InferredOptionTypes<typeof options>> = {
  command: 'generate',
  describe: 'step 1 alone: x0 ~ π_θ(·|c), an Arrow table',
  builder: options,
  handler: async (given) => {
    await startSession(given);
    const { generateAlone } = await import('../ilf/alone.js');
    const show = await showProgress(given.quiet);
    try {
      await generateAlone(
        { contexts: given.contexts, model: given.model ?? embeddedModel('base'), out: given.out },
        samplingOf(given),
        placeOf(given),
        show.progress,
      );
    } finally {
      show.stop();
    }
  },
};
