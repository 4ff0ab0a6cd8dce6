import type { CommandModule, InferredOptionTypes } from 'yargs';
import { path, requiredPath, wholeNumber } from './options.js';

const options = {
  data: path('data', 'JSONL of {"context", "output"?, "feedback"?}', 'the embedded world'),
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
    const { contextsAlone } = await import('../ilf/alone.js');
    await contextsAlone(given.data ?? null, given.split, given.from ?? 0, given.count ?? 300, given.out);
  },
};
