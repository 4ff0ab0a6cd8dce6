import { join } from 'node:path';
import { type AdamState, disposeAdamState } from '../engine/fused.js';
import type { Example } from '../lm/batch.js';
import { saveLM } from '../lm/files.js';
import { crossEntropy, type Objective, type StepInfo, saveTrainState, trainOn } from '../lm/train.js';
import type { Progress } from '../pipeline/progress.js';
import { writeFolderAtomic } from '../store/atomic.js';
import { summaryPrompt } from '../tasks/prompts.js';
import { contextName } from '../tasks/task.js';
import { copyTokenizer } from '../text/tokenizer.js';
import type { TextModel } from '../writers/text-model.js';
import { completionIds, encodePrompt } from '../writers/texts.js';
import type { Target } from './targets.js';

export interface Tuning {
  lr: number;
  epochs: number;
  /** Contexts a step: sequences, where each has one target. */
  batch: number;
  /** Weight of the prompt's tokens in the loss; the completion's have 1. */
  promptWeight: number;
}

/** The first steps' learning rate rises over this share of the training. */
const WARMUP = 0.1;
/** Most padded tokens computed at once: bounds memory, changes no result. */
const MAX_TOKENS = 4096;

/** (c → x1) with the loss on the completion and its end, and a little on the prompt; all of it times the target's weight. */
export function toExample(
  model: TextModel,
  { context, text, weight }: Target,
  promptWeight: number,
): Example {
  const completion = completionIds(model, text);
  const prompt = encodePrompt(model, summaryPrompt(context.text), completion.length, contextName(context));
  return {
    ids: [...prompt, ...completion],
    weights: [...prompt.map(() => weight * promptWeight), ...completion.map(() => weight)],
  };
}

/** The examples of one context: they are learned in one step. `ids`: the tokens of all. */
interface Lesson {
  ids: readonly number[];
  examples: readonly Example[];
}

/**
 * A step's loss is Σ ω·ce / Σ ω over the tokens of its contexts: up to the step's own factor −Σ ω log π_θ(x|c), which for one
 * target a context is ILF's, and for all refinements the cross-entropy from the posterior (Scheurer et al. 2023, section 2).
 */
const objective: Objective<Lesson> = (lm, lessons, maxTokens) =>
  crossEntropy(
    lm,
    lessons.flatMap(({ examples }) => examples),
    maxTokens,
  );

/** By context, so that there are as many steps however many targets a context has. */
function toLessons(model: TextModel, targets: readonly Target[], promptWeight: number): Lesson[] {
  const byContext = new Map<string, Example[]>();
  for (const target of targets) {
    const { id } = target.context;
    byContext.set(id, [...(byContext.get(id) ?? []), toExample(model, target, promptWeight)]);
  }
  return [...byContext.values()].map((examples) => ({ ids: examples.flatMap(({ ids }) => ids), examples }));
}

/**
 * Step 5: π_θ on (c → x1) by AdamW. Changes `model` itself; onStep is awaited after every step. @returns the optimizer's
 * state, which the caller disposes of
 */
export function tune(
  model: TextModel,
  targets: readonly Target[],
  tuning: Tuning,
  seed: number,
  onStep: (info: StepInfo) => unknown,
): Promise<AdamState> {
  const lessons = toLessons(model, targets, tuning.promptWeight);
  const steps = tuning.epochs * Math.ceil(lessons.length / tuning.batch);
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
  return trainOn(model.lm, objective, lessons, options, onStep);
}

/**
 * The same, telling `onLoss` each step's mean cross-entropy in nats a token; the tuned model, its tokenizer and the optimizer's
 * state become the folder `dir`.
 */
export async function finetune(
  model: TextModel,
  targets: readonly Target[],
  tuning: Tuning,
  seed: number,
  dir: string,
  onProgress: Progress,
  onLoss: (step: number, loss: number) => void = () => {},
): Promise<void> {
  const state = await tune(model, targets, tuning, seed, ({ step, steps, loss }) => {
    onProgress('finetuning', step, steps, 'steps');
    onLoss(step, loss);
  });
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
