/**
 * Rotary positions as a config.json has them, in both spellings: `rope_parameters` (transformers 5), or `rope_theta` and `rope_scaling`
 * (transformers 4). Each way of extending the context is another list of frequencies, and a factor for what turns.
 *
 * Leaves out ways whose frequencies depend on the length of the text (dynamic NTK beyond the length that it was made for, longrope).
 */
import { z } from 'zod';
import type { Rotation } from '../engine/fused.js';

const positive = z.number().positive().max(1e12);
const factor = z.number().min(1).max(1e6);
const length = z
  .number()
  .int()
  .positive()
  .max(1 << 30);

const WAYS = {
  default: z.looseObject({}),
  linear: z.looseObject({ factor }),
  /** As `default` for texts of at most max_position_embeddings tokens, and no others are read. */
  dynamic: z.looseObject({ factor }),
  llama3: z
    .looseObject({
      factor,
      low_freq_factor: positive,
      high_freq_factor: positive,
      original_max_position_embeddings: length,
    })
    .refine((way) => way.high_freq_factor > way.low_freq_factor, {
      path: ['high_freq_factor'],
      message: 'must be more than low_freq_factor',
    }),
  yarn: z.looseObject({
    factor,
    original_max_position_embeddings: length.nullish(),
    attention_factor: positive.nullish(),
    beta_fast: positive.nullish(),
    beta_slow: positive.nullish(),
    mscale: positive.nullish(),
    mscale_all_dim: positive.nullish(),
    truncate: z.boolean().nullish(),
  }),
} as const;
type Ways = typeof WAYS;
type Way = { [K in keyof Ways]: { kind: K; of: z.infer<Ways[K]> } }[keyof Ways];

const settings = z.looseObject({
  rope_type: z.string().nullish(),
  type: z.string().nullish(),
  rope_theta: z.number().gt(1).max(1e12).nullish(),
  partial_rotary_factor: z.number().positive().max(1).nullish(),
});

/** What a config.json may say of rotary positions. */
export const ropeFields = {
  rope_parameters: settings.nullish(),
  rope_scaling: settings.nullish(),
  rope_theta: settings.shape.rope_theta,
  partial_rotary_factor: settings.shape.partial_rotary_factor,
};
type RopeJson = z.infer<z.ZodObject<typeof ropeFields>>;

type Settings = z.infer<typeof settings>;

/** The way that is named, and all that is said beside it; an issue of zod's where it cannot be understood. */
function wayOf(
  json: RopeJson,
): { way: Way; given: Settings } | { issue: { path: string[]; message: string } } {
  const field = json.rope_parameters ? 'rope_parameters' : 'rope_scaling';
  const given: Settings = json[field] ?? {};
  const kind = given.rope_type ?? given.type ?? 'default';
  if (!Object.hasOwn(WAYS, kind))
    return {
      issue: {
        path: [field, 'rope_type'],
        message: `"${kind.slice(0, 50)}" is none of those that can be run here (${Object.keys(WAYS).join(', ')})`,
      },
    };
  const parsed = WAYS[kind as Way['kind']].safeParse(given);
  if (parsed.success) return { way: { kind, of: parsed.data } as Way, given };
  const { path, message } = parsed.error.issues[0]!;
  return { issue: { path: [field, ...path.map(String)], message } };
}

/** For the schema of an architecture: `.superRefine(checkRope)`. */
export function checkRope(json: RopeJson, context: z.RefinementCtx): void {
  const found = wayOf(json);
  if ('issue' in found) context.addIssue({ code: 'custom', input: json, ...found.issue });
}

export interface RopeSizes {
  headDim: number;
  maxPositions: number;
}

/**
 * How heads are turned, by a config.json that `checkRope` has accepted. Sources: Su et al. 2021; linear: Chen et al. 2023
 * (arXiv 2306.15595); llama3: Llama 3.1's reference code; yarn: Peng et al. 2023 (arXiv 2309.00071).
 */
export function rotationOf(json: RopeJson, { headDim, maxPositions }: RopeSizes): Rotation {
  const found = wayOf(json);
  if ('issue' in found) throw new Error(found.issue.message);
  const { way, given } = found;
  const theta = given.rope_theta ?? json.rope_theta ?? 10_000;
  const share = given.partial_rotary_factor ?? json.partial_rotary_factor ?? 1;
  const dim = Math.floor((headDim * share) / 2) * 2;
  const plain = Array.from({ length: dim / 2 }, (_, i) => theta ** ((-2 * i) / dim));
  const { frequencies, scale } = extended(way, plain, { theta, dim, maxPositions });
  // As transformers has them: in float32.
  return { frequencies: frequencies.map(Math.fround), scale, interleaved: false };
}

interface Extending {
  theta: number;
  dim: number;
  maxPositions: number;
}

function extended(
  { kind, of }: Way,
  plain: readonly number[],
  extending: Extending,
): Pick<Rotation, 'frequencies' | 'scale'> {
  switch (kind) {
    case 'default':
    case 'dynamic':
      return { frequencies: plain, scale: 1 };
    case 'linear':
      return { frequencies: plain.map((f) => f / of.factor), scale: 1 };
    case 'llama3':
      return { frequencies: plain.map((f) => llama3(f, of)), scale: 1 };
    case 'yarn':
      return yarn(of, plain, extending);
  }
}

/** Long waves are stretched, short ones stay, those between are mixed. */
function llama3(frequency: number, way: z.infer<Ways['llama3']>): number {
  const { factor, low_freq_factor: low, high_freq_factor: high } = way;
  // How often such a wave goes round in the length that the model was made for.
  const turns = (way.original_max_position_embeddings * frequency) / (2 * Math.PI);
  const kept = Math.min(1, Math.max(0, (turns - low) / (high - low)));
  return frequency * (kept + (1 - kept) / factor);
}

function yarn(
  way: z.infer<Ways['yarn']>,
  plain: readonly number[],
  { theta, dim, maxPositions }: Extending,
): Pick<Rotation, 'frequencies' | 'scale'> {
  const { factor } = way;
  const original = way.original_max_position_embeddings ?? maxPositions;
  /** The pair of numbers whose wave goes round so many times in that length. */
  const pairOf = (turns: number) =>
    (dim * Math.log(original / (turns * 2 * Math.PI))) / (2 * Math.log(theta));
  const [fast, slow] = [pairOf(way.beta_fast ?? 32), pairOf(way.beta_slow ?? 1)];
  const whole = way.truncate ?? true;
  const low = Math.max(0, whole ? Math.floor(fast) : fast);
  const high = Math.min(dim - 1, whole ? Math.ceil(slow) : slow);
  const frequencies = plain.map((f, i) => {
    const stretched = Math.min(1, Math.max(0, (i - low) / (high === low ? 0.001 : high - low)));
    return f * (1 - stretched + stretched / factor);
  });
  const attention = (by: number) => (factor <= 1 ? 1 : 0.1 * by * Math.log(factor) + 1);
  const inferred =
    way.mscale && way.mscale_all_dim ? attention(way.mscale) / attention(way.mscale_all_dim) : attention(1);
  return { frequencies, scale: way.attention_factor ?? inferred };
}
