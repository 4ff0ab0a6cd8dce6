/** Supervised finetuning on given texts: what ILF does with its targets, on yours. */
import { disposeAdamState } from '../engine/fused.js';
import { exampleOf, tuneOn } from '../ilf/finetune.js';
import { DEFAULTS } from '../pipeline/defaults.js';
import { given } from '../writers/writer.js';
import { check, shapes } from './check.js';
import type { Model } from './model.js';
import { textModelOf } from './open-model.js';
import { type Watch, watched } from './watch.js';

export interface Example {
  prompt: string;
  /** What the model should write: it is put after a space, and ended. */
  completion: string;
  /** How much it counts, 1. */
  weight?: number;
}

export interface FinetuneOptions extends Watch {
  /** Peak learning rate of AdamW, 3e-4; it warms up over a tenth of the steps and falls by a cosine. */
  lr?: number;
  /** Passes over the examples, 1. */
  epochs?: number;
  /** Examples a step, 8. */
  batch?: number;
  /** Weight of the prompt's tokens in the loss, 0.05. */
  promptWeight?: number;
  seed?: number;
  /** Each step's loss, in nats a token. */
  onLoss?: (step: number, loss: number) => void;
}

/**
 * Changes the model itself; `save` keeps it. A training that diverges leaves it damaged: load it again.
 * @throws UserError for no examples, ones too long for the model, and a training that diverges
 */
export async function finetune(
  model: Model,
  examples: readonly Example[],
  options: FinetuneOptions = {},
): Promise<void> {
  check('finetune: examples', shapes.examples, examples);
  check('finetune', shapes.finetune, options);
  const {
    lr = DEFAULTS.lr,
    epochs = DEFAULTS.epochs,
    batch = DEFAULTS.batch,
    promptWeight = DEFAULTS.promptWeight,
    seed = DEFAULTS.seed,
    onLoss,
    ...watch
  } = options;
  const opened = textModelOf(model);
  const progress = watched(watch);
  const items = examples.map(({ prompt, completion, weight = 1 }, i) => {
    const asked = { text: prompt, name: `example ${i + 1}` };
    return [exampleOf(opened, asked, given(completion), weight, promptWeight)];
  });
  const state = await tuneOn(opened.lm, items, { lr, epochs, batch }, seed, ({ step, steps, loss }) => {
    progress('finetuning', step, steps, 'steps');
    onLoss?.(step, loss);
  });
  disposeAdamState(state);
}
