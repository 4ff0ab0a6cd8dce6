/**
 * A reward model: the instruction-tuned LM trained on comparisons, so that the log-odds of its answer to a question about a text
 * are the text's reward. A whole model folder, like any other.
 */

import { disposeAdamState } from '../engine/fused.js';
import { saveLM } from '../lm/files.js';
import { type PreferenceForm, preferenceObjective } from '../lm/preference.js';
import { trainOn } from '../lm/train.js';
import type { Progress } from '../pipeline/progress.js';
import { answerId } from '../rankers/answer-model/answers.js';
import { writeFolderAtomic } from '../store/atomic.js';
import { UserError } from '../store/errors.js';
import type { AnswerPrompt } from '../tasks/prompts.js';
import { contextName } from '../tasks/task.js';
import { copyTokenizer } from '../text/tokenizer.js';
import type { TextModel } from '../writers/text-model.js';
import { encodePrompt } from '../writers/texts.js';

/** Two outputs of one context, of which one was preferred. */
export interface Comparison {
  /** The context's id. */
  context: string;
  /** Its text. */
  post: string;
  chosen: string;
  rejected: string;
}

/** Pairs a step. */
const BATCH = 16;
const LR = 3e-4;
/** The first steps' learning rate rises over this share of the training. */
const WARMUP = 0.1;
/** Most padded tokens computed at once: bounds memory, changes no result. */
const MAX_TOKENS = 4096;

/**
 * Trains on each comparison once and writes the folder `dir`. Changes `model` itself. @throws UserError where there are no
 * comparisons, one is too long for the model, or an answer of the prompt is not one token
 */
export async function trainRewardModel(
  model: TextModel,
  comparisons: readonly Comparison[],
  prompt: AnswerPrompt,
  form: PreferenceForm,
  seed: number,
  dir: string,
  onProgress: Progress,
  onLoss: (step: number, loss: number) => void = () => {},
): Promise<void> {
  if (comparisons.length === 0)
    throw new UserError('reward model: no comparisons to learn from; give more contexts');
  const objective = preferenceObjective(
    form,
    answerId(model, prompt.name, prompt.positive),
    answerId(model, prompt.name, prompt.negative),
  );
  const pairs = comparisons.map(({ context, post, chosen, rejected }) => {
    // Encoded whole: a token may reach across the prefix's end.
    const question = (text: string) =>
      encodePrompt(model, prompt.prefix(post) + prompt.suffix(text), 0, contextName({ id: context }));
    const ids = question(chosen);
    return { chosen: ids, rejected: question(rejected), ids };
  });
  const options = {
    lr: LR,
    epochs: 1,
    warmup: Math.ceil((WARMUP * pairs.length) / BATCH),
    decay: 'cosine',
    floor: 0.05,
    stepSize: { sequences: BATCH },
    maxTokens: MAX_TOKENS,
    seed,
  } as const;
  const state = await trainOn(model.lm, objective, pairs, options, ({ step, steps, loss }) => {
    onProgress('training the reward model', step, steps, 'steps');
    onLoss(step, loss);
  });
  disposeAdamState(state);
  await writeFolderAtomic(dir, async (temporary) => {
    await saveLM(model.lm, temporary);
    await copyTokenizer(model.dir, temporary);
  });
}
