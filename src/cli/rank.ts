import type { CommandModule, InferredOptionTypes } from 'yargs';
import { embeddedModel, engineOptions, path, requiredPath } from './options.js';
import { showProgress, startSession } from './session.js';

const options = {
  contexts: requiredPath('contexts', 'Table of contexts c'),
  initial: requiredPath('initial', 'Table of initial outputs x0'),
  feedback: requiredPath('feedback', 'Table of feedback f'),
  refinements: requiredPath('refinements', 'Table of refinements x1'),
  instruct: path('instruct', 'folder of the instruction-tuned LM', 'the embedded one'),
  out: requiredPath('out', 'Where the table goes'),
  ...engineOptions,
};

export const rankCommand: CommandModule<object, InferredOptionTypes<typeof options>> = {
  command: 'rank',
  describe: 'step 4 alone: scores R(x1) by InstructRM and their argmax, an Arrow table',
  builder: options,
  handler: async (given) => {
    await startSession(given);
    const { rankAlone } = await import('../ilf/alone.js');
    const show = await showProgress(given.quiet);
    try {
      await rankAlone(
        {
          contexts: given.contexts,
          initial: given.initial,
          feedback: given.feedback,
          refinements: given.refinements,
          instruct: given.instruct ?? embeddedModel('instruct'),
          out: given.out,
        },
        show.progress,
      );
    } finally {
      show.stop();
    }
  },
};
