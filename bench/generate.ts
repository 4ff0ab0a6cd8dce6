/**
 * bench generate: prompts decoded to their last token at temperature 1, ours beside PyTorch and Hugging Face's generate, in
 * new tokens per second.
 */
import { probability, wholeNumber } from '../src/cli/options.js';
import { checkLength, isLarge, type ModelName, sizesOf } from './models.js';
import { type Given, modelBenchOptions, settings } from './options.js';
import type { Part } from './parts.js';
import { gpuDecodingModes, type Mode, modes, type Peer } from './peers.js';
import type { GenerateAmount } from './report.js';
import { decodeBandwidth, decodeBytes, meanContext, peakBandwidth } from './roofline.js';
import { modelParts } from './versus.js';

export const generateOptions = {
  ...modelBenchOptions,
  prompts: wholeNumber('prompts', 1, 'Prompts, decoded together', '64; 8 of the 124M on a CPU'),
  'prompt-length': wholeNumber('prompt-length', 1, 'Tokens of a prompt', '64'),
  'new-tokens': wholeNumber('new-tokens', 1, 'New tokens of each', '64; 128 on a GPU'),
  'top-p': probability('top-p', 'Nucleus sampling; 1 is without', '1'),
};

export interface GenerateGiven extends Given {
  prompts?: number | undefined;
  promptLength?: number | undefined;
  newTokens?: number | undefined;
  topP?: number | undefined;
}

export const HUGGING_FACE = 'Hugging Face generate';

/** Its cache grows token by token; the static one is compiled where that works. */
const HUGGING_FACE_MODES: Mode[] = [
  { label: 'cache as it comes', args: [] },
  { label: 'static cache', args: ['--cache', 'static'] },
];

export function generate(given: GenerateGiven, peers: readonly Peer[]): Part[] {
  const all = settings(given);
  const onGpu = all.device === 'cuda';
  return modelParts<GenerateAmount>(all, peers, {
    bench: 'generate',
    works: { generate: 'new tokens/s', prefill: 'prefill, tokens/s' },
    amountOf: (model) => {
      const few = !all.gpu && isLarge(model);
      const promptLength = given.promptLength ?? (all.quick ? 8 : all.gpu ? shorter(64, model) : 64);
      const newTokens = given.newTokens ?? (all.quick ? 8 : all.gpu ? shorter(128, model) : 64);
      // A longer text would end at the last position, and tokens be counted that were not sampled.
      checkLength(model, promptLength + newTokens);
      return {
        prompts: given.prompts ?? (all.quick ? 4 : few ? 8 : 64),
        promptLength,
        newTokens,
        topP: given.topP ?? 1,
        warmUp: 1,
        steps: given.steps ?? (all.quick ? 2 : 3),
      };
    },
    describe: (a) => `${a.prompts} prompts of ${a.promptLength}, ${a.newTokens} new tokens, top-p ${a.topP}`,
    chosenBy: ['generate'],
    scripts: [
      { script: 'generate.py', modesOf: (peer) => (onGpu ? gpuDecodingModes(peer) : modes(peer, false)) },
      {
        script: 'generate_hf.py',
        nameOf: (peer) => `${HUGGING_FACE}, ${peer.name}`,
        lacks: ({ transformers }) => (transformers === null ? 'no transformers there' : null),
        modesOf: () => (onGpu ? HUGGING_FACE_MODES : HUGGING_FACE_MODES.slice(0, 1)),
      },
    ],
    sharesOf: (model, amount, gpu) => {
      const peak = peakBandwidth(gpu);
      const of = (rates: Record<string, number>) => {
        const bytes = decodeBandwidth(sizesOf(model), amount, {
          generate: rates.generate!,
          prefill: rates.prefill!,
        });
        return peak && bytes && bytes / peak;
      };
      return [{ head: 'bandwidth', of }];
    },
    shareNote: (model, amount, gpu) => {
      const bytes = (rows: number) => decodeBytes(sizesOf(model), rows, meanContext(amount));
      const peak = peakBandwidth(gpu);
      const of = peak
        ? `${Math.round(peak / 1e9)} GB/s, by the memory's clock and bus`
        : 'a peak that is not known';
      return `generate, ${model}, ${amount.prompts} prompts: a step reads ${megabytes(bytes(0))} of weights and, on average, ${megabytes(bytes(amount.prompts) - bytes(0))} of keys and values; bandwidth is of ${of}`;
    },
    notes: [
      'generate: new tokens/s include the prefill; prefill ends with the first new token. Ours open the decoder each time: on a GPU one that is kept, with the weights copied anew.',
    ],
  });
}

const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)} MB`;

/** Where a model has 128 positions, half of each. */
const shorter = (tokens: number, model: ModelName) =>
  sizesOf(model).n_positions < 192 ? tokens / 2 : tokens;
