/**
 * A judge: an LM that is asked questions with one-token answers, hosted by @xenova/transformers (onnx/model.onnx) or by
 * our own engine (model.safetensors), with the same results.
 */
import { commonLength, type SharedPrefix } from '../../lm/prefix-sharing.js';
import { UserError } from '../../store/errors.js';
import { encodeStart, loadTokenizer, type Tokenizer } from '../../text/tokenizer.js';
import { checkPair } from '../../writers/text-model.js';
import type { Host } from '../ranker.js';
import { loadEngine } from './engine.js';
import type { LogitHost } from './host.js';
import { loadTransformers } from './transformers.js';

export interface Question {
  /** What many questions begin with; how a question is split changes the time it takes, not its answer. */
  prefix: string;
  suffix: string;
  /** The answers, of those that the model was opened for. */
  positive: string;
  negative: string;
}

export interface AnswerModel {
  /**
   * ln p(positive) − ln p(negative) of the next token after prefix + suffix, [question], in nats. `onProgress` is told
   * how many questions are done. @throws UserError for a question that is longer than the model's context, and for logits
   * that are no numbers.
   */
  logOdds(questions: readonly Question[], onProgress?: (done: number) => void): Promise<number[]>;
  /** Tokens of the longest question, and the window of the model in `dir`. */
  needs(questions: readonly Question[]): { model: { dir: string; window: number }; tokens: number };
  close(): Promise<void>;
}

/**
 * Opens the model and the tokenizer in `dir` for questions with the given answers; `name` is for error messages. Errors:
 * UserError where these are missing or do not belong together, or an answer is not one token.
 */
export async function openAnswerModel(
  dir: string,
  answers: readonly { name: string; positive: string; negative: string }[],
  host: Host,
): Promise<AnswerModel> {
  const tokenizer = await loadTokenizer(dir);
  const ids = new Map<string, number>();
  for (const { name, positive, negative } of answers) {
    for (const answer of [positive, negative]) ids.set(answer, answerId({ dir, tokenizer }, name, answer));
  }
  const opened = await (host === 'engine' ? loadEngine(dir) : loadTransformers(dir));
  try {
    checkPair(dir, tokenizer, opened.vocabSize);
  } catch (error) {
    await opened.close();
    throw error;
  }
  return {
    close: opened.close,
    needs: (questions) => ({
      model: { dir, window: opened.maxTokens },
      tokens: Math.max(
        ...questions.map(({ prefix, suffix }) => encodeStart(tokenizer, prefix + suffix).length),
      ),
    }),
    logOdds: (questions, onProgress) => logOdds(dir, tokenizer, opened, ids, questions, onProgress),
  };
}

/** The one token of an answer to the prompt `name`. @throws UserError where it is several, or none */
export function answerId(
  { dir, tokenizer }: { dir: string; tokenizer: Tokenizer },
  name: string,
  answer: string,
): number {
  const ids = tokenizer.encode(answer);
  if (ids.length !== 1)
    throw new UserError(
      `${dir}: the answer "${answer}" of the prompt "${name}" is ${ids.length} tokens, not one`,
    );
  return ids[0]!;
}

async function logOdds(
  dir: string,
  tokenizer: Tokenizer,
  host: LogitHost,
  ids: ReadonlyMap<string, number>,
  questions: readonly Question[],
  onProgress?: (done: number) => void,
): Promise<number[]> {
  const grouped = groupByPrefix(questions, tokenizer);
  for (const { family } of grouped) {
    const longest = family.prefix.length + Math.max(...family.suffixes.map((suffix) => suffix.length));
    if (longest > host.maxTokens) {
      throw new UserError(
        `${dir}: a question to the judge is ${longest} tokens long, its context holds ${host.maxTokens}: leave out the longest contexts`,
      );
    }
  }
  const answers = [...ids.keys()];
  const families = grouped.map(({ family }) => family);
  let done = 0;
  const logits = await host.lastLogits(families, [...ids.values()], (count) => {
    done += count;
    onProgress?.(done);
  });
  const out = new Array<number>(questions.length);
  for (const [f, { members }] of grouped.entries()) {
    for (const [m, index] of members.entries()) {
      const { positive, negative } = questions[index]!;
      const [yes, no] = [positive, negative].map((answer) => {
        const at = answers.indexOf(answer);
        if (at < 0) throw new RangeError(`the model was not opened for the answer "${answer}"`);
        return logits[f]![m]![at]!;
      }) as [number, number];
      if (!Number.isFinite(yes) || !Number.isFinite(no))
        throw new UserError(`${dir} gives logits that are no numbers`);
      out[index] = yes - no;
    }
  }
  return out;
}

/**
 * The questions (by their indices) with the same prefix, as token ids. The tokens are those of the whole text: where a
 * token reaches across the end of the prefix, less is shared.
 */
function groupByPrefix(
  questions: readonly Question[],
  tokenizer: Tokenizer,
): { family: SharedPrefix; members: number[] }[] {
  const byPrefix = new Map<string, number[]>();
  for (const [index, { prefix }] of questions.entries()) {
    const members = byPrefix.get(prefix);
    if (members === undefined) byPrefix.set(prefix, [index]);
    else members.push(index);
  }
  return [...byPrefix].map(([text, members]) => {
    const prefix = encodeStart(tokenizer, text);
    const wholes = members.map((index) => encodeStart(tokenizer, text + questions[index]!.suffix));
    // One token at least is left to run: the one whose logits are wanted.
    const shared = Math.min(
      ...wholes.map((whole) => Math.min(commonLength(prefix, whole), whole.length - 1)),
    );
    return {
      family: { prefix: prefix.slice(0, shared), suffixes: wholes.map((whole) => whole.slice(shared)) },
      members,
    };
  });
}
