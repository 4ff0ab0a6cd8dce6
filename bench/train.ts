/** bench train: optimizer steps (forward, backward, clipping, AdamW), ours beside PyTorch, in tokens per second. */
import { wholeNumber } from '../src/cli/options.js';
import { checkLength, isLarge, sizesOf } from './models.js';
import { type Given, microBatch, modelBenchOptions, settings } from './options.js';
import type { Part } from './parts.js';
import { gpuTrainingModes, modes, type Peer } from './peers.js';
import type { TrainAmount } from './report.js';
import { flopShares, trainingFlops } from './roofline.js';
import { modelParts } from './versus.js';

export const trainOptions = {
  ...modelBenchOptions,
  sequences: wholeNumber('sequences', 1, 'Sequences a step', '32; 4 of the 124M; 65,536 tokens on a GPU'),
  length: wholeNumber('length', 1, 'Tokens of a sequence', '128; 256 of the 124M; 1,024 on a GPU'),
  micro: wholeNumber(
    'micro',
    1,
    'Sequences computed at once',
    '8,192 tokens; 65,536 on a GPU, half of it of models larger than the 124M',
  ),
};

interface TrainGiven extends Given {
  sequences?: number | undefined;
  length?: number | undefined;
  micro?: number | undefined;
}

/** achieved: FLOP/s that products reach on this GPU, where that was measured by then. */
export function train(
  given: TrainGiven,
  peers: readonly Peer[],
  achieved: () => number | null = () => null,
): Part[] {
  const all = settings(given);
  const large = (positions: number) => {
    const length = Math.min(1024, positions);
    return [Math.max(1, Math.floor(65_536 / length)), length] as const;
  };
  return modelParts<TrainAmount>(all, peers, {
    bench: 'train',
    works: { train: 'tokens/s' },
    amountOf: (model) => {
      const usual = all.quick
        ? [2, 16]
        : all.gpu
          ? large(sizesOf(model).n_positions)
          : isLarge(model)
            ? [4, 256]
            : [32, 128];
      const [sequences, length] = [given.sequences ?? usual[0]!, given.length ?? usual[1]!];
      checkLength(model, length);
      return {
        sequences,
        length,
        micro: given.micro ?? microBatch(all, sizesOf(model), sequences, length),
        warmUp: all.quick ? 1 : all.gpu ? 3 : 2,
        steps: given.steps ?? (all.quick ? 2 : all.gpu ? 10 : 3),
      };
    },
    describe: ({ sequences, length, micro }) =>
      `${sequences} × ${length} tokens a step${micro < sequences ? `, ${micro} sequences at once` : ''}`,
    scripts: [
      {
        script: 'train.py',
        modesOf: (peer, { micro }) =>
          all.device === 'cuda' ? gpuTrainingModes(peer, micro) : modes(peer, true),
      },
    ],
    sharesOf: (model, { length }, gpu) => {
      const each = trainingFlops(sizesOf(model), length);
      return flopShares('MFU', ({ train }) => train! * each, gpu, achieved());
    },
  });
}
