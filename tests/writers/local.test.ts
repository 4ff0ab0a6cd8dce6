// A model of this process as a writer: what is scored is what was sampled.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startEngine } from '../../src/engine/index.js';
import { gpt2Config } from '../../src/lm/architectures/gpt2.js';
import { CausalLM } from '../../src/lm/model.js';
import { sample } from '../../src/lm/sample.js';
import { scoreCompletions } from '../../src/lm/score.js';
import { manyLines, oneLine } from '../../src/tasks/text-format.js';
import { localWriter } from '../../src/writers/local.js';
import type { TextModel } from '../../src/writers/text-model.js';
import { given, type Written } from '../../src/writers/writer.js';
import { pieceTokenizer } from '../helpers/pieces.js';

const tokenizer = pieceTokenizer([' ', 'a', 'b', '.', ' a', 'ab', '\n', '.b']);
const prompts = ['ab', 'b', 'aab.'].map((text, i) => ({ text, name: `context ${i}` }));
const sampling = { temperature: 1, topP: 1, maxTokens: 6 };
const none = () => {};
const total = (of: ArrayLike<number>) => Array.from(of).reduce((a, b) => a + b, 0);

let model: TextModel;
beforeAll(async () => {
  await startEngine();
  const sizes = { n_layer: 1, n_head: 2, n_embd: 16, n_positions: 24, vocab_size: tokenizer.vocabSize };
  const lm = CausalLM.init(gpt2Config(sizes), 3);
  lm.wte.assign(lm.wte.mul(2));
  model = { dir: 'models/tiny', lm, tokenizer };
});
afterAll(() => model.lm.dispose());

const write = (n: number, seed = 1, of = prompts, format = oneLine) =>
  localWriter(model).write(of, n, { ...sampling, format, seed }, none);

describe('texts', () => {
  it('are tidied, and say what their tokens say', async () => {
    const texts = (await write(20)).flat();
    expect(texts).toHaveLength(60);
    for (const { text, ids, tokenizer: key } of texts) {
      expect(text).toBe(text.trim());
      expect(text).not.toContain('\n');
      expect(tokenizer.decode(ids).trim()).toBe(text);
      expect(Array.from(ids).at(-1)).toBe(tokenizer.eos);
      expect(key).toBe('pieces');
    }
  });

  it('depend on the seed, their prompt and their number alone', async () => {
    const drawn = await write(4);
    expect(await write(4)).toEqual(drawn);
    expect(await write(4, 2)).not.toEqual(drawn);
    expect(await write(2)).toEqual(drawn.map((of) => of.slice(0, 2)));
    expect(await write(4, 1, prompts.slice(0, 2))).toEqual(drawn.slice(0, 2));
    expect(await write(4, 1, [])).toEqual([]);
  });

  it('end where their format ends', async () => {
    const said = (await write(20, 1, prompts, manyLines)).flat().map(({ text }) => text);
    expect(said.some((text) => text.includes('\n'))).toBe(true);
    // The line break is a token: nothing is sampled after it that would only be cut.
    const stopIds = [tokenizer.eos, ...tokenizer.encode('\n')];
    const options = { maxNewTokens: 6, temperature: 1, topK: 0, topP: 1, seed: 1, stopIds };
    const raw = await sample(
      model.lm,
      prompts.map(({ text }) => tokenizer.encode(text)),
      20,
      options,
    );
    const firstLines = raw.flat().map(({ ids, finished }) => oneLine.tidy(tokenizer.decode(ids), finished));
    expect((await write(20)).flat().map(({ text }) => text)).toEqual(firstLines);
  });

  it('need room after their prompt, which is named', async () => {
    const long = [prompts[0]!, { text: 'b'.repeat(19), name: 'context 9' }];
    await expect(write(1, 1, long)).rejects.toThrow(/^context 9 is too long for the model models\/tiny/);
  });
});

describe('log-probabilities', () => {
  const asked = prompts.flatMap((prompt) => Array.from({ length: 20 }, () => prompt));
  const score = (texts: readonly Written[]) => localWriter(model).score(asked, texts, none);
  const ofIds = async (completions: readonly number[][]) => {
    const items = completions.map((completion, i) => ({
      prompt: tokenizer.encode(asked[i]!.text),
      completion,
    }));
    return (await scoreCompletions(model.lm, items)).map(total);
  };
  /** A text as the tokenizer spells it. */
  const spelt = ({ text }: Written) => [...tokenizer.encode(` ${text}`), tokenizer.eos];

  it('are those of the tokens that were sampled, not of the text encoded again', async () => {
    const texts = (await write(20)).flat();
    const scores = await score(texts);
    const [want, other] = [
      await ofIds(texts.map(({ ids }) => Array.from(ids))),
      await ofIds(texts.map(spelt)),
    ];
    scores.forEach((value, i) => {
      expect(value).toBeCloseTo(want[i]!, 4);
    });
    const differ = texts.flatMap((text, i) => (String(text.ids) === String(spelt(text)) ? [] : [i]));
    expect(differ.length).toBeGreaterThan(10);
    for (const i of differ) expect(scores[i]).not.toBeCloseTo(other[i]!, 4);
  });

  it('are what the sampler said, where the model ended the text', async () => {
    const texts = (await write(20, 1, prompts, manyLines)).flat();
    const options = { maxNewTokens: 6, temperature: 1, topK: 0, topP: 1, seed: 1, stopIds: [tokenizer.eos] };
    const ids = prompts.map(({ text }) => tokenizer.encode(text));
    const drawn = (await sample(model.lm, ids, 20, options)).flat();
    const scores = await score(texts);
    const ended = drawn.flatMap(({ finished }, i) => (finished ? [i] : []));
    expect(ended.length).toBeGreaterThan(5);
    for (const i of ended) expect(scores[i]).toBeCloseTo(total(drawn[i]!.logprobs), 4);
  });

  it('of texts that were given are those of the text after a space, and its end', async () => {
    const texts = (await write(20)).flat().map(({ text }) => given(text));
    const [scores, want] = [await score(texts), await ofIds(texts.map(spelt))];
    scores.forEach((value, i) => {
      expect(value).toBeCloseTo(want[i]!, 4);
    });
    expect(await localWriter(model).score([], [], none)).toEqual([]);
  });

  it('need room for the text after its prompt', async () => {
    const scored = localWriter(model).score([prompts[0]!], [given('b'.repeat(22))], none);
    await expect(scored).rejects.toThrow(/^context 0 is too long/);
  });
});
