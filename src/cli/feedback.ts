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
import { compute } from './session.js';

const options = {
  contexts: requiredPath('contexts', 'Table of contexts c'),
  initial: requiredPath('initial', 'Table of initial outputs x0'),
  instruct: path('instruct', 'folder of the instruction-tuned LM', 'the embedded one'),
  out: requiredPath('out', 'Where the table goes'),
  round: wholeNumber('round', 1, 'round k, for the seeds', '1'),
  ...samplingOptions,
  ...engineOptions,
};

export const feedbackCommand: CommandModule<object, InferredOptionTypes<typeof options>> = {
  command: 'feedback',
  describe: 'step 2 alone: f on (c, x0), an Arrow table',
  builder: options,
  handler: async (given) => {
    await compute(given, async (show) => {
      const { feedbackAlone } = await import('../ilf/alone.js');
      await feedbackAlone(
        {
          contexts: given.contexts,
          initial: given.initial,
          instruct: given.instruct ?? embeddedModel('instruct'),
          out: given.out,
        },
        samplingOf(given),
        placeOf(given),
        show.progress,
      );
    });
  },
};
