/** A model of this process as a writer. */
import { sample } from '../lm/sample.js';
import { scoreAll } from './chunks.js';
import { completionIds, encodePrompt, toWritten } from './completion.js';
import type { TextModel } from './text-model.js';
import type { Writer } from './writer.js';

/** Texts, and their log-probabilities, of a model that is open: `score` is there. */
export function localWriter(model: TextModel): Required<Writer> {
  const { lm, tokenizer, dir } = model;
  return {
    name: dir,
    key: dir,
    async write(prompts, n, { temperature, topP, maxTokens }, format, seed, onTexts) {
      if (prompts.length === 0) return [];
      const ids = prompts.map((prompt) => encodePrompt(model, prompt, maxTokens));
      // What follows the stop would be cut: end there where it is a token of its own.
      const stop = format.stop === null ? [] : tokenizer.encode(format.stop);
      const stopIds = stop.length === 1 ? [tokenizer.eos, stop[0]!] : [tokenizer.eos];
      const options = { maxNewTokens: maxTokens, temperature, topK: 0, topP, seed, stopIds };
      const completions = await sample(lm, ids, n, options, onTexts);
      return completions.map((of) => of.map((completion) => toWritten(tokenizer, completion, format)));
    },
    async score(prompts, texts, onTexts) {
      if (prompts.length === 0) return [];
      const items = prompts.map((prompt, i) => {
        const completion = completionIds(model, texts[i]!);
        return { prompt: encodePrompt(model, prompt, completion.length), completion };
      });
      const logprobs = await scoreAll(lm, items, onTexts);
      return logprobs.map((of) => of.reduce((sum, lp) => sum + lp, 0));
    },
  };
}
