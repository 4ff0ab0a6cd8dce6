import { join } from 'node:path';
import { disposeAdamState } from '../engine/fused.js';
import type { Example } from '../lm/batch.js';
import { saveLM } from '../lm/files.js';
import { saveTrainState, train } from '../lm/train.js';
import { writeFolderAtomic } from '../store/atomic.js';
import { summaryPrompt } from '../tasks/prompts.js';
import type { Context } from '../tasks/task.js';
import { copyTokenizer } from '../text/tokenizer.js';
import { nameOf } from './generate.js';
import type { TextModel } from './model.js';
import type { Progress } from './progress.js';
import { byContext, type RefinementRow, type ScoreRow } from './tables.js';
import { completionIds, encodePrompt } from './texts.js';

export interface Tuning {
  lr: number;
  epochs: number;
  /** Sequences a step. */
  batch: number;
  /** Weight of the prompt's tokens in the loss; the completion's have 1. */
  promptWeight: number;
}

/** The first steps' learning rate rises over this share of the training. */
const WARMUP = 0.1;
/** Most padded tokens computed at once: bounds memory, changes no result. */
const MAX_TOKENS = 4096;

/** x1 of each context: the selected refinement. Contexts whose refinement says nothing are left out. */
export function selectedTexts(
  contexts: readonly Context[],
  refinements: readonly RefinementRow[],
  scores: readonly ScoreRow[],
): { context: Context; text: string }[] {
  const [candidates, scored] = [byContext(refinements), byContext(scores)];
  return contexts.flatMap((context) => {
    const selected = scored.get(context.id)?.find((row) => row.selected)?.candidate;
    const text = candidates.get(context.id)?.find((row) => row.candidate === selected)?.text;
    return text ? [{ context, text }] : [];
  });
}

/** (c → x1) with the loss on the completion and its end, and a little on the prompt. */
export function toExample(model: TextModel, context: Context, text: string, promptWeight: number): Example {
  const completion = completionIds(model, text);
  const prompt = encodePrompt(model, summaryPrompt(context.text), completion.length, nameOf(context));
  return {
    ids: [...prompt, ...completion],
    weights: [...prompt.map(() => promptWeight), ...completion.map(() => 1)],
  };
}

/**
 * Step 5: π_θ on (c → x1) by AdamW; the tuned model, its tokenizer and the optimizer's state become the folder `dir`.
 * Changes `model` itself.
 */
export async function finetune(
  model: TextModel,
  pairs: readonly { context: Context; text: string }[],
  tuning: Tuning,
  seed: number,
  dir: string,
  onProgress: Progress,
): Promise<void> {
  const examples = pairs.map(({ context, text }) => toExample(model, context, text, tuning.promptWeight));
  const steps = tuning.epochs * Math.ceil(examples.length / tuning.batch);
  const options = {
    lr: tuning.lr,
    epochs: tuning.epochs,
    warmup: Math.ceil(WARMUP * steps),
    decay: 'cosine',
    floor: 0.05,
    stepSize: { sequences: tuning.batch },
    maxTokens: MAX_TOKENS,
    seed,
  } as const;
  const state = await train(model.lm, examples, options, ({ step, steps }) =>
    onProgress('finetuning', step, steps, 'steps'),
  );
  try {
    await writeFolderAtomic(dir, async (temporary) => {
      await saveLM(model.lm, temporary);
      await copyTokenizer(model.dir, temporary);
      await saveTrainState(model.lm, state, join(temporary, 'optimizer.safetensors'));
    });
  } finally {
    disposeAdamState(state);
  }
}
