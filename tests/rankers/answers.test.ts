import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startEngine } from '../../src/engine/index.js';
import * as tf from '../../src/engine/tf.js';
import { loadLM } from '../../src/lm/files.js';
import { type AnswerModel, openAnswerModel, type Question } from '../../src/rankers/answer-model/answers.js';
import { HOSTS } from '../../src/rankers/ranker.js';
import { briefs } from '../../src/tasks/briefs/task.js';
import { judgePrompts } from '../../src/tasks/summarization.js';
import { loadTokenizer } from '../../src/text/tokenizer.js';
import writeTinyModels from '../helpers/tiny-models.js';
import { scratchFolder } from '../store/folder.js';

const dir = scratchFolder();
const tiny = join(dir, 'instruct');
const embedded = 'models/instruct';
beforeAll(() => writeTinyModels(dir));

/** Every prompt about a few refinements of a few posts of the embedded world. */
function questionsOf(posts: number, refinements: number): Question[] {
  return briefs.contexts('ilf', 0, posts).flatMap((context) => {
    const initial = briefs.written!(context, 'initial');
    const feedback = briefs.annotate!(context, initial, 'feedback').text;
    return judgePrompts.flatMap(({ prefix, suffix, positive, negative }) =>
      Array.from({ length: refinements }, (_, i) => ({
        prefix: prefix(context.text, initial),
        suffix: suffix(briefs.written!(context, `refinement ${i}`), feedback, context.text),
        positive,
        negative,
      })),
    );
  });
}

/** Log-odds by all logits at the end of each whole text, one at a time. */
async function wholeTexts(model: string, questions: readonly Question[]): Promise<number[]> {
  const [tokenizer, lm] = [await loadTokenizer(model), await loadLM(model)];
  const odds = questions.map(({ prefix, suffix, positive, negative }) => {
    const ids = Int32Array.from(tokenizer.encode(prefix + suffix));
    const logits = tf.tidy(() => {
      const logits = tf.matMul(lm.hidden(ids, 1, ids.length), lm.wte, false, true);
      return logits.slice([ids.length - 1, 0], [1, -1]).dataSync();
    });
    const at = (answer: string) => logits[tokenizer.encode(answer)[0]!]!;
    return at(positive) - at(negative);
  });
  lm.dispose();
  return odds;
}

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
const furthest = (a: readonly number[], b: readonly number[]) =>
  Math.max(...a.map((x, i) => Math.abs(x - b[i]!)));

describe.each([
  ['random models', tiny],
  ['the embedded model', embedded],
])('log-odds of answers of %s', (_, model) => {
  const questions = questionsOf(3, 3);
  const open: AnswerModel[] = [];
  beforeAll(async () => {
    for (const host of HOSTS) open.push(await openAnswerModel(model, judgePrompts, host));
  });
  afterAll(async () => {
    for (const each of open) await each.close();
  });

  it('are those of whole texts, with either host', async () => {
    const want = await wholeTexts(model, questions);
    expect(Math.max(...want) - Math.min(...want)).toBeGreaterThan(0.1);
    for (const each of open) {
      const odds = await each.logOdds(questions);
      expect(furthest(odds, want)).toBeLessThan(1e-3);
      expect(furthest(odds.map(sigmoid), want.map(sigmoid))).toBeLessThan(1e-4);
    }
    // Ours comes from the same operations.
    expect(furthest(await open[HOSTS.indexOf('engine')]!.logOdds(questions), want)).toBeLessThan(1e-5);
  });

  it('do not depend on where a question is split, or on what else is asked', async () => {
    const whole = questions.map(({ prefix, suffix, ...answers }) => ({
      ...answers,
      prefix: '',
      suffix: prefix + suffix,
    }));
    // In the middle of a word: no token ends there.
    const within = questions.map(({ prefix, suffix, ...answers }) => {
      const at = prefix.indexOf('ummary') + 2;
      return { ...answers, prefix: prefix.slice(0, at), suffix: prefix.slice(at) + suffix };
    });
    for (const each of open) {
      const odds = await each.logOdds(questions);
      expect(furthest(await each.logOdds(whole), odds)).toBeLessThan(1e-4);
      expect(furthest(await each.logOdds(within), odds)).toBeLessThan(1e-4);
      for (const i of [0, 7, 20])
        expect(furthest(await each.logOdds([questions[i]!]), [odds[i]!])).toBeLessThan(1e-4);
    }
  });
});

describe('an answer model on the engine', () => {
  it('leaks no tensors and tells how many questions are done', async () => {
    await startEngine();
    const before = tf.memory().numTensors;
    const model = await openAnswerModel(tiny, judgePrompts, 'engine');
    const opened = tf.memory().numTensors;
    const questions = questionsOf(2, 2);
    const seen: number[] = [];
    await model.logOdds(questions, (done) => seen.push(done));
    expect(seen.at(-1)).toBe(questions.length);
    expect(await model.logOdds([])).toEqual([]);
    const long = { ...questions[0]!, prefix: 'Post: the '.repeat(300) };
    await expect(model.logOdds([long])).rejects.toThrow(/tokens long, its context holds 512/);
    expect(tf.memory().numTensors).toBe(opened);
    await model.close();
    expect(tf.memory().numTensors).toBe(before);
  });

  it('knows only the answers that it was opened for', async () => {
    const model = await openAnswerModel(tiny, judgePrompts, 'engine');
    const question = { prefix: 'Post:', suffix: ' a', positive: ' Yes', negative: ' the' };
    await expect(model.logOdds([question])).rejects.toThrow('" the"');
    await model.close();
  });
});
