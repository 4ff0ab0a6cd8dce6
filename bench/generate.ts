/** bench generate: prompts decoded to their last token at temperature 1, ours beside PyTorch, in new tokens per second. */
import { probability, wholeNumber } from '../src/cli/options.js';
import { commonOptions, type Given, modelOption, peerOptions, settings, stepsOption } from './options.js';
import type { Outcome } from './outcome.js';
import type { GenerateAmount } from './report.js';
import { versusPeers } from './versus.js';

export const generateOptions = {
  ...commonOptions,
  ...modelOption,
  ...peerOptions,
  ...stepsOption,
  prompts: wholeNumber('prompts', 1, 'Prompts, decoded together', '64; 8 of the 124M'),
  'prompt-length': wholeNumber('prompt-length', 1, 'Tokens of a prompt', '64'),
  'new-tokens': wholeNumber('new-tokens', 1, 'New tokens of each', '64'),
  'top-p': probability('top-p', 'Nucleus sampling; 1 is without', '1'),
};

interface GenerateGiven extends Given {
  steps?: number | undefined;
  prompts?: number | undefined;
  promptLength?: number | undefined;
  newTokens?: number | undefined;
  topP?: number | undefined;
}

export function generate(given: GenerateGiven): Promise<Outcome> {
  const all = settings(given);
  return versusPeers<GenerateAmount>(all, {
    bench: 'generate',
    works: { generate: 'new tokens/s', prefill: 'prefill, tokens/s' },
    amountOf: (model) => ({
      prompts: given.prompts ?? (all.quick ? 4 : model === '124M' ? 8 : 64),
      promptLength: given.promptLength ?? (all.quick ? 8 : 64),
      newTokens: given.newTokens ?? (all.quick ? 8 : 64),
      topP: given.topP ?? 1,
      warmUp: 1,
      steps: given.steps ?? (all.quick ? 2 : 3),
    }),
    describe: (a) => `${a.prompts} prompts of ${a.promptLength}, ${a.newTokens} new tokens, top-p ${a.topP}`,
    chosenBy: ['generate'],
    notes: [
      'generate: new tokens/s include the prefill; prefill ends with the first new token. Ours open the decoder each time.',
    ],
  });
}
