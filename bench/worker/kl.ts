/**
 * Scoring, timed, in tokens of prompts and completions a second: `forward` is one model up to the logits of the completions, as
 * many of them at once as fit and with one wait for each rectangle of texts (as few as `kl` has), `score` the log-probabilities of the completions, `kl` the exact KL between two models at every completion
 * token, with both log-probabilities.
 */
import { gatherRows, linear } from '../../src/engine/fused.js';
import { chunks } from '../../src/engine/ops/chunks.js';
import * as tf from '../../src/engine/tf.js';
import { gpt2Config } from '../../src/lm/architectures/gpt2.js';
import { compareCompletions } from '../../src/lm/compare.js';
import { CausalLM } from '../../src/lm/model.js';
import { scoreCompletions } from '../../src/lm/score.js';
import type { Job, Report } from '../report.js';
import { openEngine } from './engine.js';
import { report, timeEach } from './time.js';
import { randomTokens } from './tokens.js';

/** Bytes of logits in float32 that are made at once: as many as the losses' kernels make on a GPU; on a CPU what is no burden. */
const LOGITS = { gpu: 2 ** 31, cpu: 2 ** 29 };

export async function timeScoring(job: Extract<Job, { work: 'kl' }>): Promise<Report> {
  const engine = await openEngine(job);
  const { amount } = job;
  const config = gpt2Config(job.sizes);
  const [p, q] = [CausalLM.init(config, 0), CausalLM.init(config, 1)];
  const texts = randomTokens(
    amount.sequences,
    amount.promptLength + amount.completionLength,
    config.description.vocab,
  );
  const items = texts.map((ids) => ({
    prompt: ids.slice(0, amount.promptLength),
    completion: ids.slice(amount.promptLength),
  }));
  // The last token is only predicted.
  const T = texts[0]!.length - 1;
  const parts = Array.from({ length: Math.ceil(amount.sequences / amount.micro) }, (_, i) => {
    const chosen = texts.slice(i * amount.micro, (i + 1) * amount.micro);
    return { B: chosen.length, ids: Int32Array.from(chosen.flatMap((ids) => ids.slice(0, -1))) };
  });
  /** The rows that completion tokens are predicted from. */
  const predicting = (B: number) =>
    Int32Array.from(
      { length: B * amount.completionLength },
      (_, i) =>
        Math.floor(i / amount.completionLength) * T + amount.promptLength - 1 + (i % amount.completionLength),
    );
  const tokens = amount.sequences * (T + 1);
  const rowsAtOnce = Math.floor(LOGITS[engine.gpu ? 'gpu' : 'cpu'] / 4 / config.description.vocab);
  const logitsOf = (h: tf.Tensor2D, rows: Int32Array): tf.Tensor2D =>
    linear(gatherRows(h, rows), p.head, null, { transposeW: true });
  const forward = await timeEach(engine, amount, () => {
    for (const { ids, B } of parts)
      tf.tidy(() => {
        const [h, rows] = [p.hidden(ids, B, T), predicting(B)];
        let logits: tf.Tensor2D | null = null;
        for (const [from, count] of chunks(rows.length, rowsAtOnce)) {
          logits?.dispose();
          logits = tf.tidy(() => logitsOf(h, rows.subarray(from, from + count)));
        }
        // A row waits for all.
        gatherRows(logits!, Int32Array.of(0)).dataSync();
      });
  });
  const score = await timeEach(engine, amount, () => scoreCompletions(p, items, amount.micro * T));
  const kl = await timeEach(engine, amount, () => compareCompletions(p, q, items, amount.micro * T));
  const work = {
    forward: { laps: forward, tokens },
    score: { laps: score, tokens },
    kl: { laps: kl, tokens },
  };
  return report(engine, work, p.size);
}
