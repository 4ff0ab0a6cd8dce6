/** bench train: optimizer steps (forward, backward, clipping, AdamW), ours beside PyTorch, in tokens per second. */
import { wholeNumber } from '../src/cli/options.js';
import { commonOptions, type Given, modelOption, peerOptions, settings, stepsOption } from './options.js';
import type { Outcome } from './outcome.js';
import { modes } from './peers.js';
import type { TrainAmount } from './report.js';
import { versusPeers } from './versus.js';

export const trainOptions = {
  ...commonOptions,
  ...modelOption,
  ...peerOptions,
  ...stepsOption,
  sequences: wholeNumber('sequences', 1, 'Sequences a step', '32; 4 of the 124M'),
  length: wholeNumber('length', 1, 'Tokens of a sequence', '128; 256 of the 124M'),
};

interface TrainGiven extends Given {
  steps?: number | undefined;
  sequences?: number | undefined;
  length?: number | undefined;
}

export function train(given: TrainGiven): Promise<Outcome> {
  const all = settings(given);
  return versusPeers<TrainAmount>(all, {
    bench: 'train',
    works: { train: 'tokens/s' },
    amountOf: (model) => {
      const [sequences, length] = all.quick ? [2, 16] : model === '124M' ? [4, 256] : [32, 128];
      return {
        sequences: given.sequences ?? sequences!,
        length: given.length ?? length!,
        warmUp: all.quick ? 1 : 2,
        steps: given.steps ?? (all.quick ? 2 : 3),
      };
    },
    describe: ({ sequences, length }) => `${sequences} × ${length} tokens a step`,
    modesOf: (peer) => modes(peer, true),
  });
}
