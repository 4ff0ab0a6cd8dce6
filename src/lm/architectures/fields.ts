/** What the schemas of several architectures have. */
import { z } from 'zod';

export const count = z
  .number()
  .int()
  .positive()
  .max(1 << 24);

/** Deeper ones are a mistake: their tensors' names alone would fill the memory. */
export const layers = count.max(4096);

/** What is absent, or null, is the architecture's default. */
export const or = <T>(schema: z.ZodType<T>, value: T) =>
  schema.nullish().transform((given) => given ?? value);
