/** The model's config.json, in Hugging Face's GPT-2 format. */
import { join } from 'node:path';
import { z } from 'zod';
import { UserError } from '../store/errors.js';
import { firstIssue, readJson } from '../store/read-json.js';

const count = z
  .number()
  .int()
  .positive()
  .max(1 << 24);

/**
 * What would compute something else than our blocks do is refused; unknown fields are kept and written back.
 */
const schema = z
  .looseObject({
    model_type: z.literal('gpt2'),
    n_layer: count,
    n_head: count,
    n_embd: count,
    n_positions: count,
    vocab_size: count,
    layer_norm_epsilon: z.number().positive().max(1).default(1e-5),
    /** Width of the MLP; null: 4 n_embd. */
    n_inner: count.nullable().default(null),
    /** Both are the tanh form of GELU. */
    activation_function: z.enum(['gelu_new', 'gelu_pytorch_tanh']).default('gelu_new'),
    tie_word_embeddings: z.literal(true).default(true),
    scale_attn_weights: z.literal(true).default(true),
    scale_attn_by_inverse_layer_idx: z.literal(false).default(false),
  })
  .refine((c) => c.n_embd % c.n_head === 0, { path: ['n_embd'], message: 'must be a multiple of n_head' });

export type Gpt2Config = z.infer<typeof schema>;

/** The few numbers that a new model needs; the rest are GPT-2's. */
export type Gpt2Sizes = Pick<Gpt2Config, 'n_layer' | 'n_head' | 'n_embd' | 'n_positions' | 'vocab_size'>;

/** A checked config. Throws UserError naming the first wrong field. */
export function gpt2Config(sizes: Gpt2Sizes & Partial<Gpt2Config>): Gpt2Config {
  const parsed = schema.safeParse({ model_type: 'gpt2', architectures: ['GPT2LMHeadModel'], ...sizes });
  if (!parsed.success) throw new UserError(`model config: ${firstIssue(parsed.error)}`);
  return parsed.data;
}

/** Reads dir/config.json. Throws UserError if it is absent, malformed, or of a model that we cannot run. */
export function readConfig(dir: string): Promise<Gpt2Config> {
  return readJson(join(dir, 'config.json'), schema);
}
