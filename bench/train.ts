/** bench train: optimizer steps (forward, backward, clipping, AdamW), ours beside PyTorch, in tokens per second. */
import { wholeNumber } from '../src/cli/options.js';
import { sizesOf } from './models.js';
import {
  commonOptions,
  type Given,
  microBatch,
  modelOption,
  peerOptions,
  settings,
  stepsOption,
} from './options.js';
import type { Outcome } from './outcome.js';
import { gpuTrainingModes, modes } from './peers.js';
import type { TrainAmount } from './report.js';
import { peakFlops, trainingFlops } from './roofline.js';
import { versusPeers } from './versus.js';

export const trainOptions = {
  ...commonOptions,
  ...modelOption,
  ...peerOptions,
  ...stepsOption,
  sequences: wholeNumber('sequences', 1, 'Sequences a step', '32; 4 of the 124M; 65,536 tokens on a GPU'),
  length: wholeNumber('length', 1, 'Tokens of a sequence', '128; 256 of the 124M; 1,024 on a GPU'),
  micro: wholeNumber('micro', 1, 'Sequences computed at once', '8,192 tokens; 32,768 on a GPU'),
};

interface TrainGiven extends Given {
  steps?: number | undefined;
  sequences?: number | undefined;
  length?: number | undefined;
  micro?: number | undefined;
}

/** achieved: FLOP/s that products reach on this GPU, where that was measured. */
export function train(given: TrainGiven, achieved: number | null = null): Promise<Outcome> {
  const all = settings(given);
  const large = (positions: number) => {
    const length = Math.min(1024, positions);
    return [Math.max(1, Math.floor(65_536 / length)), length] as const;
  };
  return versusPeers<TrainAmount>(all, {
    bench: 'train',
    works: { train: 'tokens/s' },
    amountOf: (model) => {
      const big = model === '124M' || model === '355M';
      const usual = all.quick
        ? [2, 16]
        : all.gpu
          ? large(sizesOf(model).n_positions)
          : big
            ? [4, 256]
            : [32, 128];
      const [sequences, length] = [given.sequences ?? usual[0]!, given.length ?? usual[1]!];
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
      const [peak, each] = [peakFlops(gpu), trainingFlops(sizesOf(model), length)];
      return [
        { head: 'MFU', of: ({ train }) => peak && (train! * each) / peak },
        ...(achieved
          ? [
              {
                head: 'of products’ rate',
                of: ({ train }: Record<string, number>) => (train! * each) / achieved,
              },
            ]
          : []),
      ];
    },
  });
}
