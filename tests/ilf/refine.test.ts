import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startEngine } from '../../src/engine/index.js';
import { toExample } from '../../src/ilf/finetune.js';
import { refine, sampleCandidates, toRefine } from '../../src/ilf/refine.js';
import { gpt2Config } from '../../src/lm/architectures/gpt2.js';
import { CausalLM } from '../../src/lm/model.js';
import { scoreCompletions } from '../../src/lm/score.js';
import { briefs } from '../../src/tasks/briefs/task.js';
import { localWriter } from '../../src/writers/local.js';
import type { TextModel } from '../../src/writers/text-model.js';
import { given } from '../../src/writers/writer.js';

// A character is a token: 0 the end of text, 1 the line break, 2.. the letters of this alphabet; others are the last one.
const alphabet = ' .abcdef:';
const tokenizer = {
  vocabSize: alphabet.length + 2,
  eos: 0,
  ends: [0],
  begin: [],
  key: 'characters',
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
const textOf: Record<string, string> = { abc: 'a.', fed: 'b.', bad: 'c.' };
// In another order: rows are found by their context.
const said = contexts.map(({ id }) => ({ context: id, text: textOf[id]! })).reverse();
const sampling = { temperature: 1, topP: 0.95, maxTokens: 8 };
const how = { task: briefs, samples: 5, sampling, seed: 1 };
const { prompts } = briefs;
const none = () => {};

const sum = async ({ lm }: TextModel, prompt: string, completion: number[]) =>
  (await scoreCompletions(lm, [{ prompt: tokenizer.encode(prompt), completion }]))[0]!.reduce(
    (a, b) => a + b,
  );

describe('refinements', () => {
  it('differ within a context where the model has different ones to give, the same ones for the same seed', async () => {
    const items = toRefine(contexts, said, said);
    const sampled = (seed: number) => sampleCandidates(localWriter(refiner), items, { ...how, seed }, none);
    const drawn = await sampled(1);
    const texts = drawn.map((of) => of.map(({ text }) => text));
    for (const of of texts) expect(new Set(of).size).toBe(5);
    expect(texts.flat().every((text) => text !== '' && !text.includes('\n'))).toBe(true);
    expect(await sampled(1)).toEqual(drawn);
    expect(await sampled(2)).not.toEqual(drawn);
  });

  it('repeat themselves where it has not, instead of being sampled for ever', async () => {
    const greedy = { ...how, samples: 3, sampling: { ...sampling, topP: 1e-6 } };
    const items = toRefine(contexts, said, said).slice(0, 1);
    const [drawn] = await sampleCandidates(localWriter(refiner), items, greedy, none);
    expect(drawn).toHaveLength(3);
    expect(new Set(drawn!.map(({ text }) => text)).size).toBe(1);
  });

  it('carry the log-probabilities of what was sampled and its end under both models', async () => {
    const items = toRefine(contexts, said, said);
    const [psi, prior] = [localWriter(refiner), localWriter(base)];
    const rows = await refine(psi, prior, items, { ...how, samples: 2 }, none);
    expect(rows.map(({ context, candidate }) => `${context}${candidate}`)).toEqual(
      contexts.flatMap(({ id }) => [`${id}0`, `${id}1`]),
    );
    for (const { context, text, ids, tokenizer: key, logprob_refiner, logprob_base } of rows) {
      const completion = Array.from(ids);
      expect([tokenizer.decode(completion).trim(), completion.at(-1), key]).toEqual([text, 0, 'characters']);
      const told = prompts.refine(context, textOf[context]!, textOf[context]!);
      expect(logprob_refiner).toBeCloseTo(await sum(refiner, told, completion), 3);
      expect(logprob_base).toBeCloseTo(await sum(base, prompts.write(context), completion), 3);
    }
    // A model that was not taught to begin with a space does not: the text encoded again is something else.
    expect(rows.some(({ text, ids }) => String(ids) !== String([...tokenizer.encode(` ${text}`), 0]))).toBe(
      true,
    );
  });

  it('without feedback do not see it', async () => {
    const items = toRefine(contexts, said, [], 'none').slice(0, 1);
    const [psi, prior] = [localWriter(refiner), localWriter(base)];
    const [row] = await refine(psi, prior, items, { ...how, samples: 1 }, none);
    const expected = await sum(refiner, prompts.improve('abc', 'a.'), Array.from(row!.ids));
    expect(row!.logprob_refiner).toBeCloseTo(expected, 3);
  });

  it('of a refiner that cannot tell have no log-probability under it', async () => {
    const { score: _, ...silent } = localWriter(refiner);
    const items = toRefine(contexts, said, said);
    const [told, untold] = [
      await refine(localWriter(refiner), localWriter(base), items, how, none),
      await refine(silent, localWriter(base), items, how, none),
    ];
    expect(untold).toEqual(told.map((row) => ({ ...row, logprob_refiner: null })));
  });
});

describe('what the refiner is told', () => {
  it("is another context's feedback, the next one's, if there is one", () => {
    const items = toRefine(contexts, said, said, 'other');
    expect(items.map(({ feedback }) => feedback)).toEqual(['b.', 'c.', 'a.']);
    expect(() => toRefine(contexts.slice(0, 1), said, said, 'other')).toThrow(/needs 2 contexts/);
  });

  it('is of its own context, whatever the order of the rows, and of one that has rows', () => {
    const items = toRefine(contexts, said, said);
    expect(items.map(({ initial, feedback }) => [initial, feedback])).toEqual([
      ['a.', 'a.'],
      ['b.', 'b.'],
      ['c.', 'c.'],
    ]);
    expect(() => toRefine(contexts, said, said.slice(1))).toThrow(
      /the table of feedback has no row for context bad/,
    );
  });
});

describe('an example to learn from', () => {
  it('weighs the completion and its end, and the prompt a little', () => {
    const target = { context: contexts[0]!, written: given('b.'), weight: 1 };
    const { ids, weights } = toExample(base, prompts, target, 0.05);
    const prompt = tokenizer.encode(prompts.write('abc'));
    const completion = [...tokenizer.encode(' b.'), 0];
    expect(ids).toEqual([...prompt, ...completion]);
    expect(weights).toEqual([...prompt.map(() => 0.05), 1, 1, 1, 1]);
    const half = toExample(base, prompts, { ...target, weight: 0.5 }, 0.05);
    expect(half).toEqual({ ids, weights: weights.map((w) => w / 2) });
  });

  it('has the tokens that were sampled, where they are of the same tokenizer', () => {
    const completion = (key: string) => {
      const written = { text: 'b.', ids: [2, 5, 3, 2, 0], tokenizer: key };
      const { ids } = toExample(base, prompts, { context: contexts[0]!, written, weight: 1 }, 0);
      return ids.slice(tokenizer.encode(prompts.write('abc')).length);
    };
    expect(completion('characters')).toEqual([2, 5, 3, 2, 0]);
    expect(completion('words')).toEqual([...tokenizer.encode(' b.'), 0]);
  });

  it('names the context that is too long', () => {
    const long = { id: '7', text: 'a'.repeat(90) };
    expect(() => toExample(base, prompts, { context: long, written: given('b.'), weight: 1 }, 0)).toThrow(
      /context 7 is too long for the model model 2: 105 tokens/,
    );
  });
});
