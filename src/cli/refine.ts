import type { CommandModule, InferredOptionTypes } from 'yargs';
import {
  DEFAULTS,
  embeddedModel,
  engineOptions,
  instructFrom,
  instructOptions,
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
  initial: requiredPath('initial', 'Table of initial outputs x0'),
  feedback: requiredPath('feedback', 'Table of feedback f'),
  instruct: instructOptions.instruct,
  refiner: instructOptions.refiner,
  base: path('base', 'folder of the base LM π_0', 'the embedded one'),
  samples: { ...wholeNumber('samples', 1, 'refinements N sampled for each output', '5'), alias: 'n' },
  out: requiredPath('out', 'Where the table goes'),
  round: wholeNumber('round', 1, 'round k, for the seeds', '1'),
  ...taskOptions,
  ...skipOption,
  ...samplingOptions,
  ...engineOptions,
};

export const refineCommand: CommandModule<object, InferredOptionTypes<typeof options>> = {
  command: 'refine',
  describe: 'step 3 alone: x1 ~ π_ψ(·|c, x0, f), an Arrow table',
  builder: options,
  handler: async (given) => {
    await requireOutFile(given);
    await compute(given, async ({ progress }) => {
      const { refineCommand: run } = await import('../ilf/refine.js');
      const { contexts, initial, feedback, out } = given;
      const { base = embeddedModel('base'), samples = DEFAULTS.samples } = given;
      const { refiner } = instructFrom(given);
      const how = {
        task: await taskFrom(given),
        samples,
        sampling: samplingFrom(given),
        place: placeFrom(given),
        tooLong: tooLongFrom(given),
      };
      await run({ contexts, initial, feedback, refiner, base, out, ...how }, progress);
    });
  },
};
