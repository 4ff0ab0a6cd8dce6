import type { CommandModule, InferredOptionTypes } from 'yargs';
import {
  DEFAULTS,
  embeddedModel,
  engineOptions,
  path,
  requiredPath,
  samplingFrom,
  samplingOptions,
  skipOption,
  taskFrom,
  taskOptions,
  tooLongFrom,
  wholeNumber,
} from './options.js';
import { requireOutFolder } from './out.js';
import { compute } from './session.js';

const options = {
  out: requiredPath('out', 'Where the reward model goes'),
  comparisons: {
    ...path('comparisons', 'JSONL of {"context", "chosen", "rejected"}', 'sampled on the contexts'),
    conflicts: ['count', 'from', 'base', 'temperature', 'top-p', 'max-tokens'],
  },
  count: wholeNumber('count', 1, 'contexts to compare outputs on', '1000'),
  from: wholeNumber('from', 0, 'the first one', '0'),
  kind: {
    choices: ['quality', 'human'] as const,
    requiresArg: true,
    default: 'quality' as const,
    description: 'which of two outputs is better, or which a person wrote',
  },
  form: {
    choices: ['bradley-terry', 'yes-no'] as const,
    requiresArg: true,
    description: 'the loss: which of two is better, or Yes and No to each',
    defaultDescription: 'bradley-terry; yes-no for --kind human',
  },
  instruct: path('instruct', 'folder of the LM that is trained', 'the embedded instruction-tuned one'),
  base: path('base', 'folder of the base LM π_0, whose samples are compared', 'the embedded one'),
  ...taskOptions,
  ...skipOption,
  ...samplingOptions,
  ...engineOptions,
};

export const rewardModelCommand: CommandModule<object, InferredOptionTypes<typeof options>> = {
  command: 'reward-model',
  describe: 'a reward model trained on comparisons, a model folder',
  builder: options,
  handler: async (given) => {
    await requireOutFolder(given);
    await compute(given, async ({ progress }) => {
      const { rewardModelCommand: run } = await import('../baselines/reward-model.js');
      const { out, kind, instruct = embeddedModel('instruct'), seed = DEFAULTS.seed } = given;
      const { base = embeddedModel('base'), from = 0, count = 1000 } = given;
      const comparisons =
        given.comparisons !== undefined
          ? { file: given.comparisons }
          : { base, from, count, sampling: samplingFrom(given) };
      const form = given.form ?? (kind === 'human' ? 'yes-no' : 'bradley-terry');
      await run(
        {
          task: await taskFrom(given),
          comparisons,
          instruct,
          out,
          kind,
          form,
          seed,
          tooLong: tooLongFrom(given),
        },
        progress,
      );
    });
  },
};
