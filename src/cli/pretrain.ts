import type { CommandModule, InferredOptionTypes } from 'yargs';
import { engineOptions, path } from './options.js';
import { compute } from './session.js';

const options = {
  out: path('out', 'where base/ and instruct/ go', 'models'),
  work: path(
    'work',
    'checkpoints and intermediate texts; a killed run goes on from them',
    'checkpoints/pretrain',
  ),
  ...engineOptions,
};

export const pretrainCommand: CommandModule<object, InferredOptionTypes<typeof options>> = {
  command: 'pretrain',
  describe: 'train the embedded models from nothing, by the recipe in src/pretrain',
  builder: options,
  handler: async (given) => {
    await compute(given, async (reporter) => {
      const { pretrain } = await import('../pretrain/pretrain.js');
      await pretrain({
        out: given.out ?? 'models',
        work: given.work ?? 'checkpoints/pretrain',
        onProgress: reporter.progress,
      });
    });
  },
};
