/** What callers hand over, checked before it computes: TypeScript does not see programs in JavaScript, nor NaN. */
import { z } from 'zod';
import { ENGINES, PRECISIONS } from '../engine/index.js';
import { HOSTS } from '../rankers/ranker.js';
import { UserError } from '../store/errors.js';

const count = z.number().int().min(1).max(0x7fffffff);
const seed = z.number().int().min(0).max(0x7fffffff);
const positive = z.number().positive();
const notNegative = z.number().min(0);
const functionOf = z.custom<unknown>((value) => typeof value === 'function', 'it must be a function');

const watch = {
  onProgress: functionOf.optional(),
  signal: z.instanceof(AbortSignal, { error: 'it must be an AbortSignal' }).optional(),
};
const sampling = { maxTokens: count.optional(), seed: seed.optional() };
const tuning = {
  lr: positive.optional(),
  epochs: count.optional(),
  batch: count.optional(),
  promptWeight: notNegative.optional(),
};
const text = z.string();
const ids = z.array(z.number().int().min(0));

export const shapes = {
  texts: z.array(text),
  text,
  folder: z.string().min(1),
  ids: z.custom<ArrayLike<number>>(
    (value) =>
      (Array.isArray(value) || ArrayBuffer.isView(value)) &&
      Array.from(value as ArrayLike<unknown>).every((id) => Number.isInteger(id) && (id as number) >= 0),
    'it must be a list of token ids',
  ),
  engine: z.strictObject({
    engine: z.enum(ENGINES).optional(),
    gpu: z.boolean().optional(),
    precision: z.enum(PRECISIONS).optional(),
    threads: z.number().optional(),
  }),
  watch: z.strictObject(watch),
  sample: z.strictObject({
    ...watch,
    ...sampling,
    n: count.max(1_000_000).optional(),
    temperature: notNegative.optional(),
    topP: positive.max(1).optional(),
    stop: text.min(1).nullable().optional(),
  }),
  kl: z.strictObject({ ...watch, ...sampling, n: count.max(1_000_000).optional() }),
  items: z.array(
    z.union(
      [
        z.strictObject({ prompt: text, completion: text }),
        z.strictObject({ promptIds: ids, completionIds: ids }),
      ],
      'it must be { prompt, completion }, both texts, or { promptIds, completionIds }, both lists of token ids',
    ),
  ),
  examples: z
    .array(z.strictObject({ prompt: text, completion: text, weight: notNegative.optional() }))
    .min(1, 'there are no examples to finetune on'),
  finetune: z.strictObject({
    ...watch,
    ...tuning,
    seed: seed.optional(),
    onLoss: functionOf.optional(),
  }),
  loopWatch: z.strictObject({
    ...watch,
    onStep: functionOf.optional(),
    onScalar: functionOf.optional(),
    onNotice: functionOf.optional(),
  }),
  loop: z.strictObject({
    ...sampling,
    ...tuning,
    temperature: positive.optional(),
    topP: positive.max(1).optional(),
    task: text.optional(),
    data: text.nullable().optional(),
    base: text.optional(),
    instruct: text.optional(),
    refiner: text.optional(),
    critic: text.optional(),
    judge: text.optional(),
    feedback: text.nullable().optional(),
    contexts: count.optional(),
    heldout: count.optional(),
    samples: count.optional(),
    skipTooLong: z.boolean().optional(),
    rounds: count.optional(),
    roundMode: z.enum(['continue', 'retrain']).optional(),
    targets: text.optional(),
    ranker: text.optional(),
    host: z.enum(HOSTS).optional(),
    rewardModel: text.nullable().optional(),
    humanLikeness: text.nullable().optional(),
    beta: positive.optional(),
    run: text.optional(),
    fresh: z.boolean().optional(),
  }),
};

/** @throws UserError that names what is wrong with `value`, as "sample: temperature: …" */
export function check(what: string, shape: z.ZodType, value: unknown): void {
  const { error } = shape.safeParse(value);
  if (!error) return;
  const { path, message } = error.issues[0]!;
  throw new UserError([what, ...(path.length > 0 ? [path.join('.')] : []), message].join(': '));
}
