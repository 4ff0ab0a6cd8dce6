/**
 * Llama (Touvron et al. 2023) and those that differ from it in their biases and defaults: Llama 2 and 3, SmolLM2, TinyLlama (`llama`),
 * Mistral, Qwen2. Rotary positions, RMS norm, gated MLPs, key/value heads that several query heads share.
 */
import { z } from 'zod';
import type { Architecture } from '../architecture.js';
import type { LinearPart } from '../description.js';
import { checkRope, ropeFields, rotationOf } from '../rope.js';
import { count, layers, or } from './fields.js';

const fields = {
  num_hidden_layers: layers,
  hidden_size: count,
  intermediate_size: count,
  num_attention_heads: count,
  /** null: as many as query heads. */
  num_key_value_heads: count.nullish(),
  /** null: hidden_size / num_attention_heads. */
  head_dim: count.nullish(),
  vocab_size: count,
  max_position_embeddings: count,
  rms_norm_eps: or(z.number().positive().max(1), 1e-6),
  hidden_act: or(z.literal('silu'), 'silu'),
  tie_word_embeddings: or(z.boolean(), false),
  ...ropeFields,
};
type Fields = z.infer<z.ZodObject<typeof fields>>;

const kvHeadsOf = (c: Fields) => c.num_key_value_heads ?? c.num_attention_heads;
const headDimOf = (c: Fields) => c.head_dim ?? c.hidden_size / c.num_attention_heads;

/** What all of them must hold to. */
function checkSizes(c: Fields, context: z.RefinementCtx): void {
  const issue = (path: string, message: string) =>
    context.addIssue({ code: 'custom', input: c, path: [path], message });
  if (c.num_attention_heads % kvHeadsOf(c) !== 0)
    issue('num_key_value_heads', 'must divide num_attention_heads');
  if (c.head_dim == null && c.hidden_size % c.num_attention_heads !== 0)
    issue('hidden_size', 'must be a multiple of num_attention_heads, where there is no head_dim');
  else if (headDimOf(c) % 2 !== 0) issue('head_dim', 'must be even: its numbers turn in pairs');
  checkRope(c, context);
}

const QKV = ['attention.q', 'attention.k', 'attention.v'] as const;

/** positions: most tokens of a text. */
const describe = (c: Fields, biases: readonly LinearPart[], positions = c.max_position_embeddings) => ({
  layers: c.num_hidden_layers,
  width: c.hidden_size,
  vocab: c.vocab_size,
  positions,
  place: rotationOf(c, { headDim: headDimOf(c), maxPositions: c.max_position_embeddings }),
  norm: { kind: 'rms' as const, eps: c.rms_norm_eps },
  attention: {
    heads: c.num_attention_heads,
    kvHeads: kvHeadsOf(c),
    headDim: headDimOf(c),
    packed: false,
  },
  mlp: { inner: c.intermediate_size, gated: true as const, activation: 'silu' as const },
  biases,
  transposed: true,
  tied: c.tie_word_embeddings,
});

const rest = {
  names: {
    embedding: 'embed_tokens',
    layers: {
      prefix: 'layers',
      parts: {
        'attention.q': 'self_attn.q_proj',
        'attention.k': 'self_attn.k_proj',
        'attention.v': 'self_attn.v_proj',
        'attention.out': 'self_attn.o_proj',
        'mlp.gate': 'mlp.gate_proj',
        'mlp.up': 'mlp.up_proj',
        'mlp.down': 'mlp.down_proj',
        'attention.norm': 'input_layernorm',
        'mlp.norm': 'post_attention_layernorm',
      },
    },
    norm: 'norm',
    head: 'lm_head',
  },
  prefix: 'model.',
  /** Frequencies that old checkpoints carry. */
  buffers: /^layers\.\d+\.self_attn\.rotary_emb\.inv_freq$/,
} as const;

const llamaSchema = z
  .looseObject({
    model_type: z.literal('llama'),
    ...fields,
    max_position_embeddings: or(count, 2048),
    attention_bias: or(z.boolean(), false),
    mlp_bias: or(z.boolean(), false),
  })
  .superRefine(checkSizes);

export const llama: Architecture<z.infer<typeof llamaSchema>> = {
  modelType: 'llama',
  schema: llamaSchema,
  describe: (c) =>
    describe(c, [
      ...(c.attention_bias ? ([...QKV, 'attention.out'] as const) : []),
      ...(c.mlp_bias ? (['mlp.gate', 'mlp.up', 'mlp.down'] as const) : []),
    ]),
  ...rest,
};

const mistralSchema = z
  .looseObject({
    model_type: z.literal('mistral'),
    ...fields,
    num_key_value_heads: count.nullish().default(8),
    max_position_embeddings: or(count, 4096 * 32),
    /** Tokens that a token sees, itself among them; null: all before it. */
    sliding_window: count.nullish().default(4096),
  })
  .superRefine(checkSizes);

export const mistral: Architecture<z.infer<typeof mistralSchema>> = {
  modelType: 'mistral',
  schema: mistralSchema,
  // Texts within the window are attended to as a whole; longer ones are refused as too long.
  describe: (c) => describe(c, [], Math.min(c.max_position_embeddings, c.sliding_window ?? Infinity)),
  ...rest,
};

const qwen2Schema = z
  .looseObject({
    model_type: z.literal('qwen2'),
    ...fields,
    num_key_value_heads: count.nullish().default(32),
    max_position_embeddings: or(count, 32_768),
    use_sliding_window: or(z.boolean(), false),
    sliding_window: count.nullish().default(4096),
  })
  .superRefine(checkSizes);

export const qwen2: Architecture<z.infer<typeof qwen2Schema>> = {
  modelType: 'qwen2',
  schema: qwen2Schema,
  describe: (c) => {
    const window = c.use_sliding_window ? (c.sliding_window ?? Infinity) : Infinity;
    return describe(c, QKV, Math.min(c.max_position_embeddings, window));
  },
  ...rest,
};
