/**
 * The models that are measured. Their numbers are in models.json, which the peers read, too. "embedded" is what the
 * embedded models are, within a few words of vocabulary; "124M" and "355M" are GPT-2 small and medium.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Gpt2Sizes } from '../src/lm/architectures/gpt2.js';
import { UserError } from '../src/store/errors.js';
import { packageDir } from '../src/store/package.js';

export const MODELS = ['embedded', '3.7M', '124M', '355M'] as const;
export type ModelName = (typeof MODELS)[number];

export const benchDir = join(packageDir, 'bench');

const sizes = JSON.parse(readFileSync(join(benchDir, 'models.json'), 'utf8')) as Record<ModelName, Gpt2Sizes>;

export const sizesOf = (model: ModelName): Gpt2Sizes => sizes[model];

/** One of GPT-2's own sizes: a CPU is given less of it. */
export const isLarge = (model: ModelName): boolean => model === '124M' || model === '355M';

/** Seconds that a process with it takes at least, making its weights and warming up included (a low guess). */
export const leastSeconds = (model: ModelName, quick: boolean): number =>
  quick ? 1 : { embedded: 1, '3.7M': 2, '124M': 8, '355M': 20 }[model];

/** @throws UserError for a text that is longer than the model's positions, before anything is measured */
export function checkLength(model: ModelName, tokens: number): void {
  const { n_positions } = sizesOf(model);
  if (tokens > n_positions)
    throw new UserError(
      `a text of ${tokens} tokens is too long for the ${n_positions} positions of ${model}`,
    );
}
