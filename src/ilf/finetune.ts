/** Step 5: π_θ tuned on (c → x1) by AdamW. */
import { join } from 'node:path';
import { type AdamState, disposeAdamState } from '../engine/fused.js';
import type { Example } from '../lm/batch.js';
import type { CausalLM } from '../lm/model.js';
import { crossEntropy, type Objective, type StepInfo, saveTrainState, trainOn } from '../lm/train.js';
import { tuningOf } from '../pipeline/options.js';
import type { Progress } from '../pipeline/progress.js';
import { readRows } from '../pipeline/read-rows.js';
import { folderStep, type RunContext } from '../pipeline/run-context.js';
import { type Place, seedOf, stepSeed } from '../pipeline/seeds.js';
import { readContexts, targetsTable } from '../pipeline/tables.js';
import { fitting, need, openReader, type TooLong } from '../pipeline/too-long.js';
import { writeFolderAtomic } from '../store/folder.js';
import type { Prompts } from '../tasks/prompts.js';
import { contextName, outputPrompt, type Task } from '../tasks/task.js';
import { completionIds, encodePrompt } from '../writers/local.js';
import { openModel, saveModel, type TextModel } from '../writers/text-model.js';
import type { Prompt, Written } from '../writers/writer.js';
import { fromTargetRows, type Target, type TargetSet } from './targets.js';

/** How π_θ is tuned. */
export interface Tuning {
  /** Peak learning rate. */
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

/** (c → x1) as an example. */
export const toExample = (
  model: TextModel,
  prompts: Prompts,
  { context, written, weight }: Target,
  promptWeight: number,
): Example => exampleOf(model, outputPrompt(prompts, context), written, weight, promptWeight);

/** A text to learn, with the loss on it and its end, and a little on the prompt; all of it times `weight`. */
export function exampleOf(
  model: TextModel,
  asked: Prompt,
  written: Written,
  weight: number,
  promptWeight: number,
): Example {
  const completion = completionIds(model, written);
  const prompt = encodePrompt(model, asked, completion.length);
  return {
    ids: [...prompt, ...completion],
    weights: [...prompt.map(() => weight * promptWeight), ...completion.map(() => weight)],
  };
}

/** The examples of one context: they are learned in one step. `ids`: the tokens of all. */
interface ContextExamples {
  ids: readonly number[];
  examples: readonly Example[];
}

/**
 * A step's loss is Σ ω·ce / Σ ω over the tokens of its contexts: up to the step's own factor −Σ ω log π_θ(x|c), which for one
 * target a context is ILF's, and for all refinements the cross-entropy from the posterior (Scheurer et al. 2023, section 2).
 */
const objective: Objective<ContextExamples> = (lm, contexts, maxTokens) =>
  crossEntropy(
    lm,
    contexts.flatMap(({ examples }) => examples),
    maxTokens,
  );

/** By context, so that there are as many steps however many targets a context has. */
function examplesByContext(
  model: TextModel,
  prompts: Prompts,
  targets: readonly Target[],
  promptWeight: number,
): Example[][] {
  const byContext = new Map<string, Example[]>();
  for (const target of targets) {
    const { id } = target.context;
    const example = toExample(model, prompts, target, promptWeight);
    byContext.set(id, [...(byContext.get(id) ?? []), example]);
  }
  return [...byContext.values()];
}

/** What a training is told. */
export interface Finetuning {
  task: Task;
  targets: readonly Target[];
  tuning: Tuning;
  seed: number;
}

/**
 * π_θ on (c → x1). Changes `model` itself; onStep is awaited after every step. @returns the optimizer's state, which the caller
 * disposes of
 */
export function tune(
  model: TextModel,
  { task, targets, tuning, seed }: Finetuning,
  onStep: (info: StepInfo) => unknown,
): Promise<AdamState> {
  const contexts = examplesByContext(model, task.prompts, targets, tuning.promptWeight);
  return tuneOn(model.lm, contexts, tuning, seed, onStep);
}

/** The same on examples in groups: a group is learned in one step. */
export function tuneOn(
  lm: CausalLM,
  groups: readonly (readonly Example[])[],
  tuning: Omit<Tuning, 'promptWeight'>,
  seed: number,
  onStep: (info: StepInfo) => unknown,
): Promise<AdamState> {
  const steps = tuning.epochs * Math.ceil(groups.length / tuning.batch);
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
  const contexts = groups.map((examples) => ({ ids: examples.flatMap(({ ids }) => ids), examples }));
  return trainOn(lm, objective, contexts, options, onStep);
}

/**
 * The model `from` tuned becomes, with its tokenizer and the optimizer's state, the folder `dir`. `onLoss` is told each step's mean
 * cross-entropy in nats a token.
 */
export async function finetune(
  from: string,
  how: Finetuning,
  dir: string,
  progress: Progress,
  onLoss: (step: number, loss: number) => void = () => {},
): Promise<void> {
  // A copy of its own: the run's open model is π_0 to other steps.
  const model = await openModel(from);
  try {
    const state = await tune(model, how, ({ step, steps, loss }) => {
      progress('finetuning', step, steps, 'steps');
      onLoss(step, loss);
    });
    try {
      await writeFolderAtomic(dir, async (temporary) => {
        await saveModel(model.lm, model.dir, temporary);
        await saveTrainState(model.lm, state, join(temporary, 'optimizer.safetensors'));
      });
    } finally {
      disposeAdamState(state);
    }
  } finally {
    model.lm.dispose();
  }
}

/** The model `from` tuned on the targets of one or more rounds: the folder `folder`/finetuned. */
export function finetuneStep(
  run: RunContext,
  folder: string,
  from: string,
  sets: readonly TargetSet[],
  tuning: Tuning = tuningOf(run.options),
): Promise<string> {
  const seed = stepSeed(run.options.seed, folder, 'finetune');
  const inputs = {
    tables: sets.flatMap(({ tables }) => tables),
    models: [from],
    values: { ...tuning, seed },
  };
  return folderStep(run, `${folder}/finetuned`, inputs, (dir, progress) => {
    const targets = sets.flatMap((set) => set.targets);
    const onLoss = (step: number, loss: number) => run.reporter.scalar(`${folder}/loss`, step, loss);
    return finetune(from, { task: run.task, targets, tuning, seed }, dir, progress, onLoss);
  });
}

export interface FinetuneCommand {
  task: Task;
  contexts: string;
  targets: string;
  /** π_θ's folder. */
  model: string;
  out: string;
  tuning: Tuning;
  place: Place;
  tooLong: TooLong;
}

export async function finetuneCommand(of: FinetuneCommand, progress: Progress): Promise<void> {
  const contexts = await readContexts(of.contexts);
  const every = fromTargetRows(await readRows(of.targets, targetsTable, contexts, of.contexts), contexts);
  const reader = await openReader(of.model);
  const { prompts } = of.task;
  const targets = fitting(
    every,
    'targets',
    ({ context }) => contextName(context),
    ({ context, written }) => [
      need(reader, completionIds(reader, written).length, prompts.write(context.text)),
    ],
    of.tooLong,
  );
  const how = { task: of.task, targets, tuning: of.tuning, seed: seedOf(of.place, 'finetune') };
  await finetune(of.model, how, of.out, progress);
}
