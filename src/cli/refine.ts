import type { CommandModule, InferredOptionTypes } from 'yargs';
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
  initial: requiredPath('initial', 'Table of initial outputs x0'),
  feedback: requiredPath('feedback', 'Table of feedback f'),
  instruct: path('instruct', 'folder of the instruction-tuned LM', 'the embedded one'),
  base: path('base', 'folder of the base LM π_0', 'the embedded one'),
  samples: { ...wholeNumber('samples', 1, 'refinements N sampled for each output', '5'), alias: 'n' },
  out: requiredPath('out', 'Where the table goes'),
  round: wholeNumber('round', 1, 'round k, for the seeds', '1'),
  ...samplingOptions,
  ...engineOptions,
};

export const refineCommand: CommandModule<object, InferredOptionTypes<typeof options>> = {
  command: 'refine',
  describe: 'step 3 alone: x1 ~ π_ψ(·|c, x0, f), an Arrow table',
  builder: options,
  handler: async (given) => {
    await compute(given, async (show) => {
      const { refineAlone } = await import('../ilf/alone.js');
      await refineAlone(
        {
          contexts: given.contexts,
          initial: given.initial,
          feedback: given.feedback,
          instruct: given.instruct ?? embeddedModel('instruct'),
          base: given.base ?? embeddedModel('base'),
          out: given.out,
        },
        given.samples ?? DEFAULTS.samples,
        samplingOf(given),
        placeOf(given),
        show.progress,
      );
    });
  },
};
