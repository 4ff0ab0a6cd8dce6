/** A model of this process as a writer: what it reads and writes, as texts and as token ids. */
import { type Completion, sample } from '../lm/sample.js';
import { UserError } from '../store/errors.js';
import type { TextFormat } from '../tasks/text-format.js';
import { encodeStart, type Tokenizer } from '../text/tokenizer.js';
import { scoreAll } from './chunks.js';
import type { TextModel } from './text-model.js';
import type { Prompt, Writer, Written } from './writer.js';

/** Texts, and their log-probabilities, of a model that is open: `score` is there. */
export function localWriter(model: TextModel): Required<Writer> {
  const { lm, tokenizer, dir } = model;
  return {
    name: dir,
    key: dir,
    async write(prompts, n, { temperature, topP, maxTokens, format, seed }, onTexts) {
      if (prompts.length === 0) return [];
      const ids = prompts.map((prompt) => encodePrompt(model, prompt, maxTokens));
      const stopIds = stopIdsOf(tokenizer, format.stop);
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

/** The tokens that end a text: what follows `stop` would be cut, so it is one where it is a token of its own. */
export function stopIdsOf(tokenizer: Tokenizer, stop: string | null): readonly number[] {
  const ids = stop === null ? [] : tokenizer.encode(stop);
  return ids.length === 1 ? [...tokenizer.ends, ids[0]!] : tokenizer.ends;
}

/** A prompt's ids. @throws UserError naming the prompt where it leaves no `room` in the model's window, in tokens */
export function encodePrompt(
  { lm, tokenizer, dir }: TextModel,
  { text, name }: Prompt,
  room: number,
): number[] {
  const ids = encodeStart(tokenizer, text);
  const window = lm.description.positions;
  if (ids.length + room > window)
    throw new UserError(
      `${name} is too long for the model ${dir}: ${ids.length} tokens to read and ${room} to write do not fit into its ${window}; shorten it`,
    );
  return ids;
}

/** A text as a completion: after a space, with the end of text. */
const encodeText = (tokenizer: Tokenizer, text: string): number[] => [
  ...tokenizer.encode(` ${text}`),
  tokenizer.eos,
];

/** A text's ids for a model: those that were sampled, where its tokenizer is the one that they are of. */
export const completionIds = (
  { tokenizer }: Pick<TextModel, 'tokenizer'>,
  { text, ids, tokenizer: key }: Written,
): number[] => (ids.length > 0 && key === tokenizer.key ? Array.from(ids) : encodeText(tokenizer, text));

/** A sampled text, tidied: what is left of its ids, and its end. */
export function toWritten(tokenizer: Tokenizer, { ids, finished }: Completion, format: TextFormat): Written {
  const text = format.tidy(tokenizer.decode(ids), finished);
  return { text, ids: idsOf(tokenizer, ids, text), tokenizer: tokenizer.key };
}

/**
 * The ids that a tidied text consists of, with the end of text: all that was sampled, where the model ended the text and nothing but
 * white space around it was tidied away; else the first ids that say it, since what was cut off is at the end.
 */
function idsOf(tokenizer: Tokenizer, sampled: readonly number[], text: string): number[] {
  const { eos, ends } = tokenizer;
  const ended = ends.includes(sampled.at(-1)!);
  if (ended && tokenizer.decode(sampled).trim() === text) return [...sampled];
  const body = ended ? sampled.slice(0, -1) : sampled;
  for (let length = 0; length <= body.length; length++) {
    const first = body.slice(0, length);
    const said = tokenizer.decode(first).trimStart();
    if (said === text) return [...first, eos];
    if (said.length > text.length) break;
  }
  // The text ends within a token.
  return encodeText(tokenizer, text);
}
