import type { CommandModule, InferredOptionTypes } from 'yargs';
import {
  DEFAULTS,
  embeddedModel,
  engineOptions,
  path,
  rankerOf,
  rankerOptions,
  requiredPath,
  wholeNumber,
} from './options.js';
import { compute } from './session.js';

const options = {
  contexts: requiredPath('contexts', 'Table of contexts c'),
  initial: requiredPath('initial', 'Table of initial outputs x0'),
  feedback: requiredPath('feedback', 'Table of feedback f'),
  refinements: requiredPath('refinements', 'Table of refinements x1'),
  instruct: path('instruct', 'folder of the instruction-tuned LM', 'the embedded one'),
  out: requiredPath('out', 'Where the table goes'),
  ...rankerOptions,
  seed: wholeNumber('seed', 0, 'seed of the ranker random', '0'),
  ...engineOptions,
};

export const rankCommand: CommandModule<object, InferredOptionTypes<typeof options>> = {
  command: 'rank',
  describe: 'step 4 alone: scores R(x1) and their argmax, an Arrow table',
  builder: options,
  handler: async (given) => {
    await compute(given, async (show) => {
      const { rankAlone } = await import('../ilf/alone.js');
      await rankAlone(
        {
          contexts: given.contexts,
          initial: given.initial,
          feedback: given.feedback,
          refinements: given.refinements,
          out: given.out,
        },
        {
          ...rankerOf(given),
          instruct: given.instruct ?? embeddedModel('instruct'),
          seed: given.seed ?? DEFAULTS.seed,
        },
        show.progress,
      );
    });
  },
};
