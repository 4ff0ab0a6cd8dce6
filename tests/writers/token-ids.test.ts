// Which tokens a text consists of: those that were sampled, wherever they are known.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startEngine } from '../../src/engine/index.js';
import { gpt2Config } from '../../src/lm/architectures/gpt2.js';
import { CausalLM } from '../../src/lm/model.js';
import { UserError } from '../../src/store/errors.js';
import { manyLines, oneLine, type TextFormat } from '../../src/tasks/text-format.js';
import { completionIds, encodePrompt, toWritten } from '../../src/writers/local.js';
import type { TextModel } from '../../src/writers/text-model.js';
import { given } from '../../src/writers/writer.js';
import { pieceTokenizer } from '../helpers/pieces.js';

const pieces = [' ', 'a', 'b', '.', ' a', 'ab', '\n', '.b', '.\n'];
const tokenizer = pieceTokenizer(pieces);
const END = tokenizer.eos;
/** Ids by what they say; '' is the end of text. */
const ids = (...said: string[]) => said.map((piece) => (piece === '' ? END : pieces.indexOf(piece) + 1));

describe('a sampled text', () => {
  type Case = [
    name: string,
    format: TextFormat,
    sampled: string[],
    finished: boolean,
    text: string,
    kept: string[],
  ];
  const cases: Case[] = [
    [
      'that the model ended keeps its tokens',
      oneLine,
      [' a', 'b', '.', ''],
      true,
      'ab.',
      [' a', 'b', '.', ''],
    ],
    [
      'in other tokens than its own',
      oneLine,
      [' ', 'a', 'b', '.', ''],
      true,
      'ab.',
      [' ', 'a', 'b', '.', ''],
    ],
    ['without a space in front', oneLine, ['ab', '.', ''], true, 'ab.', ['ab', '.', '']],
    ['with white space around', oneLine, [' ', ' a', ' ', ''], true, 'a', [' ', ' a', ' ', '']],
    ['that a line break ended', oneLine, [' a', '.', '\n'], true, 'a.', [' a', '.', '']],
    ['that a line break within it cuts', oneLine, ['a', '\n', 'b', ''], true, 'a', ['a', '']],
    ['whose last sentence was cut off', oneLine, ['a', '.', ' ', 'b', 'a'], false, 'a.', ['a', '.', '']],
    ['that is one unfinished sentence', oneLine, [' a', 'b'], false, 'ab', [' a', 'b', '']],
    ['that says nothing', oneLine, [''], true, '', ['']],
    ['that is a line break', oneLine, ['\n'], true, '', ['']],
    ['of many lines', manyLines, ['a', '\n', 'b', ''], true, 'a\nb', ['a', '\n', 'b', '']],
    ['whose last line was cut off', manyLines, ['a', '\n', 'b', ' a'], false, 'a', ['a', '']],
    // Else the model would learn to break a line and end there.
    ['whose last token goes on is encoded anew', oneLine, ['a', '.\n', 'b', ''], true, 'a.', [' a', '.', '']],
    ['that ends within a token is encoded anew', oneLine, ['a', '.b', 'a'], false, 'a.', [' a', '.', '']],
  ];
  it.each(cases)('%s', (_name, format, sampled, finished, text, kept) => {
    const completion = { ids: ids(...sampled), logprobs: [], finished };
    expect(toWritten(tokenizer, completion, format)).toEqual({
      text,
      ids: ids(...kept),
      tokenizer: 'pieces',
    });
  });

  it('has one end, whatever was cut off', () => {
    for (const [, format, sampled, finished] of cases) {
      const written = toWritten(tokenizer, { ids: ids(...sampled), logprobs: [], finished }, format);
      expect(Array.from(written.ids).indexOf(END)).toBe(written.ids.length - 1);
      expect(tokenizer.decode(written.ids).trim()).toBe(written.text);
    }
  });
});

describe('a text as a completion', () => {
  const anew = ids(' a', 'b', '.', '');
  const sampled = ids('ab', '.', '');

  it('is what was sampled, not the text encoded again', () => {
    expect(completionIds({ tokenizer }, { text: 'ab.', ids: sampled, tokenizer: 'pieces' })).toEqual(sampled);
    // As a table gives it.
    const read = { text: 'ab.', ids: Int32Array.from(sampled), tokenizer: 'pieces' };
    expect(completionIds({ tokenizer }, read)).toEqual(sampled);
  });

  it('is encoded anew, after a space and with its end, where its tokens are of another tokenizer or not known', () => {
    expect(completionIds({ tokenizer }, { text: 'ab.', ids: sampled, tokenizer: 'others' })).toEqual(anew);
    expect(completionIds({ tokenizer }, given('ab.'))).toEqual(anew);
    const other = { tokenizer: pieceTokenizer(['.', 'b', 'a', ' '], 'letters') };
    expect(completionIds(other, { text: 'ab.', ids: sampled, tokenizer: 'pieces' })).toEqual([4, 3, 2, 1, 0]);
  });
});

describe('a prompt', () => {
  let model: TextModel;
  beforeAll(async () => {
    await startEngine();
    const sizes = { n_layer: 1, n_head: 1, n_embd: 4, n_positions: 8, vocab_size: tokenizer.vocabSize };
    model = { dir: 'models/tiny', lm: CausalLM.init(gpt2Config(sizes), 1), tokenizer };
  });
  afterAll(() => model.lm.dispose());

  it('leaves room for what follows it, or is named', () => {
    const prompt = { text: 'abab', name: 'context 7' };
    expect(encodePrompt(model, prompt, 6)).toEqual(ids('ab', 'ab'));
    expect(() => encodePrompt(model, prompt, 7)).toThrow(UserError);
    expect(() => encodePrompt(model, prompt, 7)).toThrow(
      'context 7 is too long for the model models/tiny: 2 tokens to read and 7 to write do not fit into its 8; shorten it',
    );
  });
});
