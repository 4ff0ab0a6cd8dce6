/**
 * The models that are measured. Their numbers are in models.json, which the peers read, too. "embedded" is what the
 * embedded models are, within a few words of vocabulary; "124M" and "355M" are GPT-2 small and medium.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageDir } from '../src/cli/package.js';
import type { Gpt2Sizes } from '../src/lm/architectures/gpt2.js';

export const MODELS = ['embedded', '3.7M', '124M', '355M'] as const;
export type ModelName = (typeof MODELS)[number];

export const benchDir = join(packageDir, 'bench');

const sizes = JSON.parse(readFileSync(join(benchDir, 'models.json'), 'utf8')) as Record<ModelName, Gpt2Sizes>;

export const sizesOf = (model: ModelName): Gpt2Sizes => sizes[model];
