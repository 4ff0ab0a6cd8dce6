/**
 * bench kl: exact KL between two models along completions, log-probabilities of completions, and what a forward pass alone
 * costs; ours beside PyTorch, in tokens (of prompts and completions) per second.
 */
import { wholeNumber } from '../src/cli/options.js';
import { commonOptions, type Given, modelOption, peerOptions, settings, stepsOption } from './options.js';
import type { Outcome } from './outcome.js';
import { modes } from './peers.js';
import type { KlAmount } from './report.js';
import { versusPeers } from './versus.js';

export const klOptions = {
  ...commonOptions,
  ...modelOption,
  ...peerOptions,
  ...stepsOption,
  sequences: wholeNumber('sequences', 1, 'Texts', '32; 8 of the 124M'),
  'prompt-length': wholeNumber('prompt-length', 1, 'Tokens of a prompt', '64'),
  'completion-length': wholeNumber('completion-length', 1, 'Tokens of a completion', '64'),
};

interface KlGiven extends Given {
  steps?: number | undefined;
  sequences?: number | undefined;
  promptLength?: number | undefined;
  completionLength?: number | undefined;
}

export function kl(given: KlGiven): Promise<Outcome> {
  const all = settings(given);
  return versusPeers<KlAmount>(all, {
    bench: 'kl',
    works: { kl: 'KL, tokens/s', score: 'log p, tokens/s', forward: 'forward, tokens/s' },
    amountOf: (model) => ({
      sequences: given.sequences ?? (all.quick ? 2 : model === '124M' ? 8 : 32),
      promptLength: given.promptLength ?? (all.quick ? 8 : 64),
      completionLength: given.completionLength ?? (all.quick ? 8 : 64),
      warmUp: 1,
      steps: given.steps ?? (all.quick ? 2 : 3),
    }),
    describe: (a) => `${a.sequences} texts of ${a.promptLength} + ${a.completionLength} tokens`,
    // How many tokens' logits are held at once matters, too.
    modesOf: (peer) =>
      modes(peer, false).flatMap(({ label, args }) =>
        [256, 2048].map((chunk) => ({
          label: `${label}, chunks of ${chunk}`,
          args: [...args, '--chunk', String(chunk)],
        })),
      ),
  });
}
