import type { CommandModule, InferredOptionTypes } from 'yargs';
import type { LineItem, LineScore } from '../writers/score-file.js';
import { embeddedModel, engineOptions, path, requiredPath, skipOption } from './options.js';
import { compute } from './session.js';
import { notice, print } from './streams.js';

const options = {
  model: path('model', 'folder of the model', 'the embedded base LM'),
  data: requiredPath(
    'data',
    'JSONL of {"prompt", "completion"} or {"prompt_ids", "completion_ids"}; ids need no tokenizer',
  ),
  ...skipOption,
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
    const { model = embeddedModel('base') } = given;
    await compute(given, async (reporter) => {
      const { scoreFile } = await import('../writers/score-file.js');
      const { fitting } = await import('../pipeline/too-long.js');
      const skip = given['skip-too-long'] ?? false;
      const choose = (items: LineItem[], window: number) =>
        fitting(
          items,
          'lines',
          ({ where }) => where,
          ({ prompt, completion }) => [
            { model: { dir: model, window }, tokens: prompt.length + completion.length },
          ],
          { skip, tell: notice },
        );
      const scores = await scoreFile(model, given.data, choose, (done, total) =>
        reporter.progress('scoring', done, total, 'texts'),
      );
      // Where lines may be left out, each says which it is.
      const line = ({ line: number, logprobs }: LineScore) => {
        if (given.json) return JSON.stringify({ ...(skip && { line: number }), logprobs: [...logprobs] });
        const sum = logprobs.reduce((a, b) => a + b, 0);
        const all = `${logprobs.length} tokens, log p ${sum.toFixed(4)}`;
        // Of no token there is no mean.
        return logprobs.length === 0 ? all : `${all}, ${(sum / logprobs.length).toFixed(4)} a token`;
      };
      reporter.stop();
      for (const score of scores) await print(line(score));
    });
  },
};
