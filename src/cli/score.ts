import type { CommandModule, InferredOptionTypes } from 'yargs';
import { engineOptions, requiredPath } from './options.js';
import { compute } from './session.js';
import { print } from './streams.js';

const options = {
  model: requiredPath('model', 'Folder of the model'),
  data: requiredPath(
    'data',
    'JSONL of {"prompt", "completion"} or {"prompt_ids", "completion_ids"}; ids need no tokenizer',
  ),
  ...engineOptions,
  json: {
    type: 'boolean' as const,
    description: 'a line {"logprobs": [...]} for each line; else their number, sum and mean',
  },
};

export const scoreCommand: CommandModule<object, InferredOptionTypes<typeof options>> = {
  command: 'score',
  describe: 'log-probabilities (natural logarithms) of given completions, token by token',
  builder: options,
  handler: async (given) => {
    await compute(given, async (reporter) => {
      const { scoreFile } = await import('../writers/score-file.js');
      const scores = await scoreFile(given.model, given.data, (done, total) =>
        reporter.progress('scoring', done, total, 'texts'),
      );
      const line = (logprobs: Float32Array) => {
        if (given.json) return JSON.stringify({ logprobs: [...logprobs] });
        const sum = logprobs.reduce((a, b) => a + b, 0);
        const all = `${logprobs.length} tokens, log p ${sum.toFixed(4)}`;
        // Of no token there is no mean.
        return logprobs.length === 0 ? all : `${all}, ${(sum / logprobs.length).toFixed(4)} a token`;
      };
      reporter.stop();
      for (const logprobs of scores) await print(line(logprobs));
    });
  },
};
