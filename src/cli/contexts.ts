import type { CommandModule, InferredOptionTypes } from 'yargs';
import { requiredPath, taskFrom, taskOptions, wholeNumber } from './options.js';
import { requireOutFile } from './out.js';

const options = {
  ...taskOptions,
  split: {
    choices: ['ilf', 'heldout'] as const,
    requiresArg: true,
    default: 'ilf' as const,
    description: 'contexts to learn from, or to measure on',
  },
  from: wholeNumber('from', 0, 'the first one', '0'),
  count: wholeNumber('count', 1, 'how many', '300'),
  out: requiredPath('out', 'Where the table goes'),
};

export const contextsCommand: CommandModule<object, InferredOptionTypes<typeof options>> = {
  command: 'contexts',
  describe: 'the contexts of the embedded world, or of your own data, as an Arrow table',
  builder: options,
  handler: async (given) => {
    await requireOutFile(given);
    const { contextsCommand: run } = await import('../ilf/contexts.js');
    const { split, from = 0, count = 300, out } = given;
    await run({ task: await taskFrom(given), split, from, count, out });
  },
};
