import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startEngine } from '../../src/engine/index.js';
import { toExample } from '../../src/ilf/finetune.js';
import { refine, sampleCandidates, toRefine } from '../../src/ilf/refine.js';
import { gpt2Config } from '../../src/lm/architectures/gpt2.js';
import { CausalLM } from '../../src/lm/model.js';
import { scoreCompletions } from '../../src/lm/score.js';
import { improvePrompt, refinePrompt, summaryPrompt } from '../../src/tasks/prompts.js';
import type { TextModel } from '../../src/writers/text-model.js';

// A character is a token: 0 the end of text, 1 the line break, 2.. the letters of this alphabet; others are the last one.
const alphabet = ' .abcdef:';
const tokenizer = {
  vocabSize: alphabet.length + 2,
  eos: 0,
  encode: (text: string) =>
    [...text].map((c) => (c === '\n' ? 1 : 2 + ((alphabet.indexOf(c) + alphabet.length) % alphabet.length))),
  decode: (ids: ArrayLike<number>) =>
    Array.from(ids, (id) => (id === 0 ? '' : id === 1 ? '\n' : alphabet[id - 2]!)).join(''),
};
const sizes = { n_layer: 1, n_head: 1, n_embd: 16, n_positions: 96, vocab_size: tokenizer.vocabSize };
const model = (seed: number): TextModel => {
  const lm = CausalLM.init(gpt2Config(sizes), seed);
  lm.wte.assign(lm.wte.mul(6));
  return { dir: `model ${seed}`, lm, tokenizer };
};

let refiner: TextModel;
let base: TextModel;
beforeAll(async () => {
  await startEngine();
  [refiner, base] = [model(1), model(2)];
});
afterAll(() => {
  refiner.lm.dispose();
  base.lm.dispose();
});

const contexts = ['abc', 'fed', 'bad'].map((text) => ({ id: text, text }));
const said = [{ text: 'a.' }, { text: 'b.' }, { text: 'c.' }];
const sampling = { temperature: 1, topP: 0.95, maxNewTokens: 8 };
const none = () => {};

describe('refinements', () => {
  it('differ within a context where the model has different ones to give, the same ones for the same seed', async () => {
    const items = toRefine(contexts, said, said);
    const drawn = await sampleCandidates(refiner, items, 5, sampling, 1, none);
    for (const texts of drawn) expect(new Set(texts).size).toBe(5);
    expect(drawn.flat().every((text) => text !== '' && !text.includes('\n'))).toBe(true);
    expect(await sampleCandidates(refiner, items, 5, sampling, 1, none)).toEqual(drawn);
    expect(await sampleCandidates(refiner, items, 5, sampling, 2, none)).not.toEqual(drawn);
  });

  it('repeat themselves where it has not, instead of being sampled for ever', async () => {
    const greedy = { ...sampling, topP: 1e-6 };
    const [texts] = await sampleCandidates(
      refiner,
      toRefine(contexts, said, said).slice(0, 1),
      3,
      greedy,
      1,
      none,
    );
    expect(texts).toHaveLength(3);
    expect(new Set(texts).size).toBe(1);
  });

  it('carry the log-probabilities of the text and its end under both models', async () => {
    const items = toRefine(contexts, said, said);
    const rows = await refine(refiner, base, items, 2, sampling, 1, none);
    expect(rows.map(({ context, candidate }) => `${context}${candidate}`)).toEqual(
      contexts.flatMap(({ id }) => [`${id}0`, `${id}1`]),
    );
    for (const row of rows) {
      const completion = [...tokenizer.encode(` ${row.text}`), 0];
      const i = contexts.findIndex(({ id }) => id === row.context);
      const sum = async (lm: CausalLM, prompt: string) =>
        (await scoreCompletions(lm, [{ prompt: tokenizer.encode(prompt), completion }]))[0]!.reduce(
          (a, b) => a + b,
        );
      const told = refinePrompt(row.context, said[i]!.text, said[i]!.text);
      expect(row.logprob_refiner).toBeCloseTo(await sum(refiner.lm, told), 3);
      expect(row.logprob_base).toBeCloseTo(await sum(base.lm, summaryPrompt(row.context)), 3);
    }
  });

  it('without feedback do not see it', async () => {
    const items = toRefine(contexts, [said[0]!, said[0]!, said[0]!], [], 'none');
    const [row] = await refine(refiner, base, items.slice(0, 1), 1, sampling, 1, none);
    const completion = [...tokenizer.encode(` ${row!.text}`), 0];
    const prompt = tokenizer.encode(improvePrompt('abc', 'a.'));
    const [logprobs] = await scoreCompletions(refiner.lm, [{ prompt, completion }]);
    expect(row!.logprob_refiner).toBeCloseTo(
      logprobs!.reduce((a, b) => a + b),
      3,
    );
  });
});

it("another context's feedback is the next one's, if there is one", () => {
  const items = toRefine(contexts, said, said, 'other');
  expect(items.map(({ feedback }) => feedback)).toEqual(['b.', 'c.', 'a.']);
  expect(() => toRefine(contexts.slice(0, 1), said, said, 'other')).toThrow(/needs 2 contexts/);
});

describe('an example to learn from', () => {
  it('weighs the completion and its end, and the prompt a little', () => {
    const { ids, weights } = toExample(base, { context: contexts[0]!, text: 'b.', weight: 1 }, 0.05);
    const prompt = tokenizer.encode(summaryPrompt('abc'));
    const completion = [...tokenizer.encode(' b.'), 0];
    expect(ids).toEqual([...prompt, ...completion]);
    expect(weights).toEqual([...prompt.map(() => 0.05), 1, 1, 1, 1]);
    const half = toExample(base, { context: contexts[0]!, text: 'b.', weight: 0.5 }, 0.05);
    expect(half).toEqual({ ids, weights: weights.map((w) => w / 2) });
  });

  it('names the context that is too long', () => {
    const long = { id: '7', text: 'a'.repeat(90) };
    expect(() => toExample(base, { context: long, text: 'b.', weight: 1 }, 0)).toThrow(
      /context 7 is too long for the model model 2: 105 tokens/,
    );
  });
});
