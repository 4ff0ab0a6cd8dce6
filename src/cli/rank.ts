import type { CommandModule, InferredOptionTypes } from 'yargs';
import {
  DEFAULTS,
  engineOptions,
  instructFrom,
  instructOptions,
  rankerFrom,
  rankerOptions,
  requiredPath,
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
  refinements: requiredPath('refinements', 'Table of refinements x1'),
  instruct: instructOptions.instruct,
  judge: instructOptions.judge,
  out: requiredPath('out', 'Where the table goes'),
  ...rankerOptions,
  seed: wholeNumber('seed', 0, 'seed of the ranker random', '0'),
  ...taskOptions,
  ...skipOption,
  ...engineOptions,
};

export const rankCommand: CommandModule<object, InferredOptionTypes<typeof options>> = {
  command: 'rank',
  describe: 'step 4 alone: scores R(x1) and their argmax, an Arrow table',
  builder: options,
  handler: async (given) => {
    await requireOutFile(given);
    await compute(given, async ({ progress }) => {
      const { rankCommand: run } = await import('../ilf/rank.js');
      const { contexts, initial, feedback, refinements, out, seed = DEFAULTS.seed } = given;
      const { judge } = instructFrom(given);
      const task = await taskFrom(given);
      const tables = { contexts, initial, feedback, refinements, out };
      await run(
        { ...tables, task, ...rankerFrom(given), judge, seed, tooLong: tooLongFrom(given) },
        progress,
      );
    });
  },
};
