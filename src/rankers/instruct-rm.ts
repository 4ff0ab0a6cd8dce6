/**
 * InstructRM (Scheurer et al. 2023, section 3.1 and appendix): an instruction-tuned LM is asked whether a refinement
 * takes up the feedback, in several wordings. A wording's score is p(positive) / (p(positive) + p(negative)) of the
 * next token; R is the arithmetic mean over the wordings.
 *
 * Deliberately not here: the choice of a refinement, and the prompts, which the task brings.
 */
import { UserError } from '../store/errors.js';
import type { JudgePrompt } from '../tasks/prompts.js';
import { loadTokenizer, type Tokenizer } from '../text/tokenizer.js';
import { type Family, loadDecoder } from './decoder.js';
import type { Candidate, Ranker, Scores } from './ranker.js';

export interface InstructRM extends Ranker {
  close(): Promise<void>;
}

/** A wording's answers as token ids. */
interface Answers {
  positive: number;
  negative: number;
}

/**
 * Loads the judge from a folder with onnx/model.onnx and a tokenizer. Errors: UserError where these are missing, or an
 * answer is not one token, or the tokenizer is another model's. `score` throws a UserError for a text that is longer than the model's context.
 */
export async function loadInstructRM(dir: string, prompts: readonly JudgePrompt[]): Promise<InstructRM> {
  const tokenizer = await loadTokenizer(dir);
  const answers = prompts.map((prompt): Answers => {
    const idOf = (answer: string): number => {
      const ids = tokenizer.encode(answer);
      if (ids.length !== 1) {
        throw new UserError(
          `${dir}: the answer "${answer}" of the prompt "${prompt.name}" is ${ids.length} tokens, not one`,
        );
      }
      return ids[0]!;
    };
    return { positive: idOf(prompt.positive), negative: idOf(prompt.negative) };
  });
  const tokens = [...new Set(answers.flatMap(({ positive, negative }) => [positive, negative]))];
  const decoder = await loadDecoder(dir);
  if (tokenizer.vocabSize > decoder.vocabSize) {
    throw new UserError(
      `${dir}: the tokenizer has ${tokenizer.vocabSize} tokens, the model ${decoder.vocabSize}: they are not a pair`,
    );
  }

  return {
    name: 'instruct-rm',
    close: decoder.close,
    async score(groups, onProgress) {
      const questions = prompts.flatMap((prompt, p) =>
        groups.flatMap((group, g) =>
          group.map((candidate, c): Question => ({ p, g, c, ...texts(prompt, candidate) })),
        ),
      );
      const families = groupByPrefix(questions, tokenizer);
      for (const { family } of families) {
        const longest = family.prefix.length + Math.max(...family.suffixes.map((suffix) => suffix.length));
        if (longest > decoder.maxTokens) {
          throw new UserError(
            `${dir}: a question to the judge is ${longest} tokens long, its context holds ${decoder.maxTokens}: leave out the longest contexts`,
          );
        }
      }
      let done = 0;
      const logits = await decoder.lastLogits(
        families.map(({ family }) => family),
        tokens,
        (count) => {
          done += count;
          onProgress?.(done / questions.length);
        },
      );
      const scores = groups.map((group) => group.map((): Scores => ({ score: 0, perPrompt: [] })));
      for (const [f, { members }] of families.entries()) {
        for (const [m, { p, g, c }] of members.entries()) {
          const at = (token: number) => logits[f]![m]![tokens.indexOf(token)]!;
          const { positive, negative } = answers[p]!;
          scores[g]![c]!.perPrompt[p] = 1 / (1 + Math.exp(at(negative) - at(positive)));
        }
      }
      for (const entry of scores.flat()) {
        entry.score = entry.perPrompt.reduce((sum, value) => sum + value, 0) / prompts.length;
      }
      return scores;
    },
  };
}

/** One prompt (p) about one candidate (c) of a group (g). */
interface Question {
  p: number;
  g: number;
  c: number;
  prefix: string;
  suffix: string;
}

function texts(prompt: JudgePrompt, { context, initial, feedback, refinement }: Candidate) {
  return { prefix: prompt.prefix(context, initial), suffix: prompt.suffix(refinement, feedback, context) };
}

/**
 * The questions with the same prefix, whichever prompt they come from, as token ids. The tokens are those of the
 * whole text: where a token reaches across the end of the prefix, less is shared.
 */
function groupByPrefix(
  questions: readonly Question[],
  tokenizer: Tokenizer,
): { family: Family; members: Question[] }[] {
  const byPrefix = new Map<string, Question[]>();
  for (const question of questions) {
    const members = byPrefix.get(question.prefix);
    if (members === undefined) byPrefix.set(question.prefix, [question]);
    else members.push(question);
  }
  return [...byPrefix].map(([text, members]) => {
    const prefix = tokenizer.encode(text);
    const wholes = members.map(({ suffix }) => tokenizer.encode(text + suffix));
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

function commonLength(a: readonly number[], b: readonly number[]): number {
  let length = 0;
  while (length < a.length && a[length] === b[length]) length++;
  return length;
}
