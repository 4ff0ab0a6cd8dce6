/** Training, timed: a repetition is one optimizer step (forward, backward, clipping, AdamW). */
import { disposeAdamState } from '../../src/engine/fused.js';
import { gpt2Config } from '../../src/lm/architectures/gpt2.js';
import { CausalLM } from '../../src/lm/model.js';
import { train } from '../../src/lm/train.js';
import type { Job, Report } from '../report.js';
import { openEngine } from './engine.js';
import { type Lap, report, stopwatch } from './time.js';
import { randomTokens } from './tokens.js';

export async function timeTraining(job: Extract<Job, { work: 'train' }>): Promise<Report> {
  const engine = await openEngine(job);
  const lm = CausalLM.init(gpt2Config(job.sizes), 0);
  const { sequences, length, micro, warmUp, steps } = job.amount;
  // A token more than is read: the last one is only predicted.
  const examples = randomTokens(sequences, length + 1, lm.description.vocab).map((ids) => ({
    ids,
    weights: ids.map(() => 1),
  }));
  const laps: Lap[] = [];
  const lap = stopwatch(engine);
  const state = await train(
    lm,
    () => examples,
    { steps: warmUp + steps, lr: 1e-4, maxTokens: micro * length },
    () => {
      laps.push(lap());
    },
  );
  disposeAdamState(state);
  return report(engine, { train: { laps: laps.slice(warmUp), tokens: sequences * length } }, lm.size);
}
