/**
 * bench kl: exact KL between two models along completions with both log-probabilities, log-probabilities of completions alone, and
 * what one model's forward pass with its logits costs, without a softmax; ours beside PyTorch, in tokens (of prompts and
 * completions) per second. KL takes two forward passes at least: its time is also shown as a share of theirs.
 */
import { wholeNumber } from '../src/cli/options.js';
import { checkLength, isLarge, sizesOf } from './models.js';
import { type Given, microBatch, modelBenchOptions, settings } from './options.js';
import type { Part } from './parts.js';
import { type Mode, modes, type Peer } from './peers.js';
import type { KlAmount } from './report.js';
import { flopShares, forwardFlops } from './roofline.js';
import { modelParts } from './versus.js';

export const klOptions = {
  ...modelBenchOptions,
  sequences: wholeNumber('sequences', 1, 'Texts', '32; 8 of the 124M; a million tokens on a GPU'),
  'prompt-length': wholeNumber('prompt-length', 1, 'Tokens of a prompt', '64'),
  'completion-length': wholeNumber('completion-length', 1, 'Tokens of a completion', '64; 960 on a GPU'),
};

interface KlGiven extends Given {
  sequences?: number | undefined;
  promptLength?: number | undefined;
  completionLength?: number | undefined;
}

/** Tokens of a report on a GPU. */
const MILLION = 1_000_000;

/** How many tokens' logits are held at once matters, too; on a GPU each eager and compiled. */
function chunked(peer: Peer, onGpu: boolean): Mode[] {
  const fused = { label: 'eager', args: ['--attention', 'fused'] };
  const compiled = { label: 'compiled', args: ['--attention', 'fused', '--compile'] };
  const all = onGpu ? (peer.compiles ? [fused, compiled] : [fused]) : modes(peer, false);
  return all.flatMap(({ label, args }) =>
    (onGpu ? [2048, 8192] : [256, 2048]).map((chunk) => ({
      label: `${label}, chunks of ${chunk}`,
      args: [...args, '--chunk', String(chunk)],
    })),
  );
}

/** achieved: FLOP/s that products reach on this GPU, where that was measured by then. */
export function kl(
  given: KlGiven,
  peers: readonly Peer[],
  achieved: () => number | null = () => null,
): Part[] {
  const all = settings(given);
  return modelParts<KlAmount>(all, peers, {
    bench: 'kl',
    works: { kl: 'KL, tokens/s', score: 'log p, tokens/s', forward: 'forward, tokens/s' },
    amountOf: (model) => {
      const long = all.gpu && !all.quick;
      const promptLength = given.promptLength ?? (all.quick ? 8 : 64);
      const rest = Math.min(1024, sizesOf(model).n_positions) - promptLength;
      const completionLength = given.completionLength ?? (all.quick ? 8 : long ? Math.max(1, rest) : 64);
      const length = promptLength + completionLength;
      // The last token is only predicted.
      checkLength(model, length - 1);
      const sequences =
        given.sequences ?? (all.quick ? 2 : long ? Math.ceil(MILLION / length) : isLarge(model) ? 8 : 32);
      return {
        sequences,
        promptLength,
        completionLength,
        micro: microBatch(all, sizesOf(model), sequences, length),
        warmUp: 1,
        steps: given.steps ?? (all.quick ? 2 : 3),
      };
    },
    ratios: [
      {
        head: 'time of KL ÷ 2 forward',
        of: ({ kl, forward }: Record<string, number>) => forward! / (2 * kl!),
      },
    ],
    describe: (a) => `${a.sequences} texts of ${a.promptLength} + ${a.completionLength} tokens`,
    scripts: [{ script: 'kl.py', modesOf: (peer) => chunked(peer, all.device === 'cuda') }],
    sharesOf: (model, { promptLength, completionLength }, gpu) => {
      const length = promptLength + completionLength;
      // The last token is only predicted; the tables count it among a text's tokens.
      const each = (2 * forwardFlops(sizesOf(model), length - 1, completionLength)) / length;
      return flopShares('MFU of KL', ({ kl }) => kl! * each, gpu, achieved());
    },
  });
}
