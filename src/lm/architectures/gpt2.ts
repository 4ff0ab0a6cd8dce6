/**
 * GPT-2 (Radford et al. 2019): learned positions, layer norm, GELU. Leaves out dropout: our runs
 * see each example once or twice.
 */
import { z } from 'zod';
import { type Architecture, configOf, type LMConfig } from '../architecture.js';
import { count, layers } from './fields.js';

const schema = z
  .looseObject({
    model_type: z.literal('gpt2'),
    n_layer: layers,
    n_head: count,
    n_embd: count,
    n_positions: count,
    vocab_size: count,
    layer_norm_epsilon: z.number().positive().max(1).default(1e-5),
    /** Width of the MLP; null: 4 n_embd. */
    n_inner: count.nullable().default(null),
    /** Both are the tanh form of GELU. */
    activation_function: z.enum(['gelu_new', 'gelu_pytorch_tanh']).default('gelu_new'),
    tie_word_embeddings: z.boolean().default(true),
    scale_attn_weights: z.literal(true).default(true),
    scale_attn_by_inverse_layer_idx: z.literal(false).default(false),
  })
  .refine((c) => c.n_embd % c.n_head === 0, { path: ['n_embd'], message: 'must be a multiple of n_head' });

type Gpt2Json = z.infer<typeof schema>;

export const gpt2: Architecture<Gpt2Json> = {
  modelType: 'gpt2',
  schema,
  describe: (c) => ({
    layers: c.n_layer,
    width: c.n_embd,
    vocab: c.vocab_size,
    positions: c.n_positions,
    place: 'learned',
    norm: { kind: 'layer', eps: c.layer_norm_epsilon },
    attention: { heads: c.n_head, kvHeads: c.n_head, headDim: c.n_embd / c.n_head, packed: true },
    mlp: { inner: c.n_inner ?? 4 * c.n_embd, activation: 'gelu', gated: false },
    biases: ['attention.qkv', 'attention.out', 'mlp.up', 'mlp.down'],
    transposed: false,
    tied: c.tie_word_embeddings,
  }),
  names: {
    embedding: 'wte',
    positions: 'wpe',
    layers: {
      prefix: 'h',
      parts: {
        'attention.norm': 'ln_1',
        'attention.qkv': 'attn.c_attn',
        'attention.out': 'attn.c_proj',
        'mlp.norm': 'ln_2',
        'mlp.up': 'mlp.c_fc',
        'mlp.down': 'mlp.c_proj',
      },
    },
    norm: 'ln_f',
    head: 'lm_head',
  },
  prefix: 'transformer.',
  /** Causal masks that old checkpoints carry. */
  buffers: /^h\.\d+\.attn\.(masked_)?bias$/,
};

/** The few numbers that a new model needs; the rest are GPT-2's. */
export type Gpt2Sizes = Pick<Gpt2Json, 'n_layer' | 'n_head' | 'n_embd' | 'n_positions' | 'vocab_size'>;

/** @throws UserError naming the first wrong field */
export const gpt2Config = (sizes: Gpt2Sizes & Partial<Gpt2Json>): LMConfig =>
  configOf(gpt2, { model_type: 'gpt2', architectures: ['GPT2LMHeadModel'], ...sizes });
