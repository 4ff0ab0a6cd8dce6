/**
 * Generation, timed. A repetition of `generate` decodes every prompt to its last token, prefill and opening the decoder
 * included; one of `prefill` stops after the first new token, and counts the prompts' tokens.
 */
import { gpt2Config } from '../../src/lm/architectures/gpt2.js';
import { CausalLM } from '../../src/lm/model.js';
import { sample } from '../../src/lm/sample.js';
import type { Job, Report } from '../report.js';
import { openEngine } from './engine.js';
import { report, timeEach } from './time.js';
import { randomTokens } from './tokens.js';

export async function timeGeneration(job: Extract<Job, { work: 'generate' }>): Promise<Report> {
  const engine = await openEngine(job);
  const lm = CausalLM.init(gpt2Config(job.sizes), 0);
  const { amount } = job;
  const prompts = randomTokens(amount.prompts, amount.promptLength, lm.description.vocab);
  // No stop token: every row gets all its tokens.
  const options = {
    temperature: 1,
    topK: 0,
    topP: amount.topP,
    seed: 0,
    stopIds: [],
    // A GPU has memory and arithmetic for more rows than a CPU's caches have.
    ...(engine.gpu && { maxRows: amount.prompts }),
  };
  const upTo = (maxNewTokens: number) =>
    timeEach(engine, amount, () => sample(lm, prompts, 1, { ...options, maxNewTokens }));
  const generate = { laps: await upTo(amount.newTokens), tokens: amount.prompts * amount.newTokens };
  const prefill = { laps: await upTo(1), tokens: amount.prompts * amount.promptLength };
  return report(engine, { generate, prefill }, lm.size);
}
