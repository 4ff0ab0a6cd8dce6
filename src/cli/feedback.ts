import type { CommandModule, InferredOptionTypes } from 'yargs';
import {
  engineOptions,
  feedbackOption,
  instructFrom,
  instructOptions,
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
  initial: requiredPath('initial', 'Table of initial outputs x0'),
  feedback: feedbackOption,
  instruct: instructOptions.instruct,
  critic: instructOptions.critic,
  out: requiredPath('out', 'Where the table goes'),
  round: wholeNumber('round', 1, 'round k, for the seeds', '1'),
  ...taskOptions,
  ...skipOption,
  ...samplingOptions,
  ...engineOptions,
};

export const feedbackCommand: CommandModule<object, InferredOptionTypes<typeof options>> = {
  command: 'feedback',
  describe: 'step 2 alone: f on (c, x0), an Arrow table',
  builder: options,
  handler: async (given) => {
    await requireOutFile(given);
    await compute(given, async ({ progress }) => {
      const { feedbackCommand: run } = await import('../ilf/feedback.js');
      const { contexts, initial, out, feedback: source = null } = given;
      const { critic } = instructFrom(given);
      const how = {
        task: await taskFrom(given),
        sampling: samplingFrom(given),
        place: placeFrom(given),
        tooLong: tooLongFrom(given),
      };
      await run({ contexts, initial, source, critic, out, ...how }, progress);
    });
  },
};
