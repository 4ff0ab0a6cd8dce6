/** How far apart two models are that are open; `node train.js kl` makes its page of the same numbers. */
import type { KlResult } from '../bayes/kl.js';
import { requireOneVocabulary } from '../lm/compare.js';
import { klSettings, measureKl, sampleBothWays } from '../measure/kl.js';
import { stepSeed } from '../pipeline/seeds.js';
import { UserError } from '../store/errors.js';
import { encodePrompt } from '../writers/local.js';
import type { TextModel } from '../writers/text-model.js';
import { check, shapes } from './check.js';
import type { Model } from './model.js';
import { textModelOf } from './open-model.js';
import { type Watch, watched } from './watch.js';

export interface KlOptions extends Watch {
  /** Texts sampled for each prompt, 1. */
  n?: number;
  /** Tokens of a text at most, 48. */
  maxTokens?: number;
  seed?: number;
}

/**
 * KL(tuned ‖ base) and KL(base ‖ tuned) given the prompts, in nats a text, each by its three estimators with intervals over prompts:
 * texts are sampled from the first model at temperature 1, and both score them.
 * @throws UserError for models of different vocabularies, and prompts that are too long
 */
export async function kl(
  tuned: Model,
  base: Model,
  prompts: readonly string[],
  options: KlOptions = {},
): Promise<{ tunedFromBase: KlResult; baseFromTuned: KlResult }> {
  check('kl: prompts', shapes.texts.min(1, 'there are no prompts'), prompts);
  check('kl', shapes.kl, options);
  const { n = 1, maxTokens = 48, seed = 0, ...watch } = options;
  const models = { tuned: textModelOf(tuned), base: textModelOf(base) };
  requireOneVocabulary(models.tuned.lm, models.base.lm);
  if (models.tuned.tokenizer.key !== models.base.tokenizer.key)
    throw new UserError(
      `the tokenizers of ${tuned.dir} and ${base.dir} differ; KL needs one vocabulary for both`,
    );
  const asked = (of: TextModel) =>
    prompts.map((text, i) => ({
      context: String(i + 1),
      ids: encodePrompt(of, { text, name: `prompt ${i + 1}` }, maxTokens),
    }));
  const settings = klSettings(maxTokens, (direction) => stepSeed(seed, 'round-1', direction));
  const both = { tunedFromBase: asked(models.tuned), baseFromTuned: asked(models.base) };
  const { ends } = models.base.tokenizer;
  const rows = await sampleBothWays({ ...models, prompts: both, n, settings, ends }, watched(watch));
  return measureKl(rows, settings, true);
}
