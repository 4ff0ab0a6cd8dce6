/**
 * An architecture that differs from GPT-2 in everything: RMS norm, a gated MLP with SiLU, rotary positions, heads that share
 * keys and values and whose width is not D / H, no biases, a head of its own, weights [out,in]. Importing it registers it.
 */
import { z } from 'zod';
import { type Architecture, configOf, type LMConfig } from '../../src/lm/architecture.js';
import { ARCHITECTURES } from '../../src/lm/architectures/index.js';

const size = z.number().int().positive();
const schema = z.looseObject({
  model_type: z.literal('tiny'),
  layers: size,
  width: size,
  vocab: size,
  positions: size,
  heads: size,
  shared: size,
  head: size,
  inner: size,
});

export const tiny: Architecture<z.infer<typeof schema>> = {
  modelType: 'tiny',
  schema,
  describe: ({ layers, width, vocab, positions, heads, shared, head, inner }) => ({
    ...{ layers, width, vocab, positions },
    place: {
      frequencies: Array.from({ length: head / 2 }, (_, i) => 100 ** ((-2 * i) / head)),
      interleaved: false,
      scale: 1,
    },
    norm: { kind: 'rms', eps: 1e-6 },
    attention: { heads, kvHeads: shared, headDim: head, packed: false },
    mlp: { inner, activation: 'silu', gated: true },
    biases: [],
    transposed: true,
    tied: false,
  }),
  names: {
    embedding: 'tokens',
    layers: {
      prefix: 'blocks',
      parts: {
        'attention.norm': 'norm1',
        'attention.q': 'q',
        'attention.k': 'k',
        'attention.v': 'v',
        'attention.out': 'o',
        'mlp.norm': 'norm2',
        'mlp.gate': 'gate',
        'mlp.up': 'up',
        'mlp.down': 'down',
      },
    },
    norm: 'norm',
    head: 'head',
  },
  prefix: 'model.',
  buffers: /^rotary\./,
};
ARCHITECTURES.tiny = async () => tiny;

export function tinyConfig(): LMConfig {
  const sizes = { layers: 2, width: 20, vocab: 23, positions: 32, heads: 4, shared: 2, head: 6, inner: 28 };
  return configOf(tiny, { model_type: 'tiny', ...sizes });
}
