// What the files beside a tokenizer.json say, taken as transformers takes it.
import { readFileSync } from 'node:fs';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { UserError } from '../../src/store/errors.js';
import { encodeStart, loadTokenizer } from '../../src/text/tokenizer.js';
import { scratchFolder } from '../store/folder.js';

const scratch = scratchFolder();
const json = JSON.parse(readFileSync(join(import.meta.dirname, 'goldens', 'made', 'cl100k.json'), 'utf8'));
const { vocab, merges } = json.model as { vocab: Record<string, number>; merges: [string, string][] };

async function load(files: Record<string, unknown>) {
  const dir = await mkdtemp(join(scratch, 'a-'));
  for (const [name, content] of Object.entries({ 'tokenizer.json': json, ...files }))
    if (content !== undefined)
      await writeFile(join(dir, name), typeof content === 'string' ? content : JSON.stringify(content));
  return loadTokenizer(dir);
}
const refused = async (files: Record<string, unknown>, line: RegExp) => {
  const error = await load(files).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(UserError);
  expect((error as Error).message).toMatch(line);
};

describe('the end of text is', () => {
  const cases: [name: string, files: Record<string, unknown>, eos: number, ends: number[]][] = [
    ['<|endoftext|> where nothing is said', {}, 0, [0]],
    ['what tokenizer_config.json names', { 'tokenizer_config.json': { eos_token: '!' } }, vocab['!']!, [1]],
    [
      'what it names as a token with settings',
      { 'tokenizer_config.json': { eos_token: { __type: 'AddedToken', content: '!', special: true } } },
      1,
      [1],
    ],
    [
      'what special_tokens_map.json names',
      { 'special_tokens_map.json': { eos_token: { content: '"' } } },
      2,
      [2],
    ],
    [
      "the map's where both name one",
      { 'special_tokens_map.json': { eos_token: '"' }, 'tokenizer_config.json': { eos_token: '!' } },
      2,
      [2],
    ],
    [
      'tokenizer_config.json’s where that lists the added tokens',
      {
        'special_tokens_map.json': { eos_token: '"' },
        'tokenizer_config.json': {
          eos_token: '!',
          added_tokens_decoder: { 0: { content: '<|endoftext|>' } },
        },
      },
      1,
      [1],
    ],
    ['a number in config.json', { 'config.json': { eos_token_id: 7, vocab_size: 400 } }, 7, [7]],
    ['several', { 'config.json': { eos_token_id: [7, 8], vocab_size: 400 } }, 7, [7, 8]],
    [
      'generation_config.json’s before config.json’s',
      { 'config.json': { eos_token_id: 7 }, 'generation_config.json': { eos_token_id: [9, 8] } },
      9,
      [9, 8],
    ],
    [
      'the tokenizer’s own among several',
      {
        'generation_config.json': { eos_token_id: [9, 8] },
        'tokenizer_config.json': { eos_token: json_(8) },
      },
      8,
      [8, 9],
    ],
    [
      'what generate stops at where the tokenizer’s own is not among them',
      { 'generation_config.json': { eos_token_id: 9 }, 'tokenizer_config.json': { eos_token: '!' } },
      9,
      [9],
    ],
    [
      "not GPT-2's number in a smaller model",
      { 'config.json': { eos_token_id: 50256, vocab_size: 400 } },
      0,
      [0],
    ],
    [
      'the same where the files say null',
      { 'config.json': { eos_token_id: null }, 'special_tokens_map.json': {} },
      0,
      [0],
    ],
  ];
  it.each(cases)('%s', async (_name, files, eos, ends) => {
    const tokenizer = await load(files);
    expect({ eos: tokenizer.eos, ends: tokenizer.ends }).toEqual({ eos, ends });
    expect(tokenizer.decode([...ends, vocab.a!])).toBe('a');
  });

  it('refused where it is no token', () =>
    refused(
      { 'tokenizer_config.json': { eos_token: '</nowhere>' } },
      /has no token "<\/nowhere>" to end a text with/,
    ));
});

/** The name of a token. */
function json_(id: number): string {
  return Object.keys(vocab).find((name) => vocab[name] === id)!;
}

describe('the beginning of a text is', () => {
  const template = {
    type: 'TemplateProcessing',
    single: [{ SpecialToken: { id: '!', type_id: 0 } }, { Sequence: { id: 'A', type_id: 0 } }],
    special_tokens: { '!': { id: '!', ids: [1], tokens: ['!'] } },
  };
  const with_ = (post_processor: unknown) => ({ 'tokenizer.json': { ...json, post_processor } });
  const cases: [name: string, files: Record<string, unknown>, begin: number[]][] = [
    ['nothing', {}, []],
    ['nothing, though one is named', { 'tokenizer_config.json': { bos_token: '!' } }, []],
    ["the post-processor's token", with_(template), [1]],
    [
      'one of several post-processors',
      with_({ type: 'Sequence', processors: [{ type: 'ByteLevel' }, template] }),
      [1],
    ],
    ["BERT's", with_({ type: 'BertProcessing', sep: ['a', 2], cls: ['!', 1] }), [1]],
    ['tokenizer_config.json’s', { 'tokenizer_config.json': { bos_token: '"', add_bos_token: true } }, [2]],
    ['taken away by it', { ...with_(template), 'tokenizer_config.json': { add_bos_token: false } }, []],
    [
      "config.json's, where the tokenizer names none",
      { 'config.json': { bos_token_id: 5 }, 'tokenizer_config.json': { add_bos_token: true } },
      [5],
    ],
  ];
  it.each(cases)('%s', async (_name, files, begin) => {
    const tokenizer = await load(files);
    expect(tokenizer.begin).toEqual(begin);
    expect(encodeStart(tokenizer, 'a')).toEqual([...begin, vocab.a]);
    expect(tokenizer.encode('a')).toEqual([vocab.a]);
  });

  it('refused where its number is not said', () =>
    refused(with_({ ...template, special_tokens: {} }), /"post_processor" puts a token in front/));
});

describe('settings that change ids', () => {
  it('add_prefix_space', async () => {
    const gpt2 = { ...json, pre_tokenizer: { type: 'ByteLevel', add_prefix_space: false } };
    const [without, with_] = await Promise.all(
      [undefined, { add_prefix_space: true }].map((config) =>
        load({ 'tokenizer.json': gpt2, 'tokenizer_config.json': config }),
      ),
    );
    expect(with_!.encode('a')).toEqual(without!.encode(' a'));
    expect(with_!.encode(' a')).toEqual(without!.encode(' a'));
    expect(with_!.key).not.toBe(without!.key);
  });

  it('add_prefix_space that a file contradicts is refused', async () => {
    const pieces = JSON.parse(
      readFileSync(join(import.meta.dirname, 'goldens', 'made', 'unigram-bytes.json'), 'utf8'),
    );
    const of = (tokenizer_class: string) => ({
      'tokenizer.json': pieces,
      'tokenizer_config.json': { tokenizer_class, eos_token: '</s>', add_prefix_space: false },
    });
    await refused(of('LlamaTokenizer'), /"add_prefix_space" is false, and tokenizer\.json puts a space/);
    expect((await load(of('PreTrainedTokenizerFast'))).eos).toBe(1);
  });

  it('added_tokens_decoder', async () => {
    const more = (special: boolean) => ({ added_tokens_decoder: { 400: { content: '<x>', special } } });
    const found = await load({ 'tokenizer_config.json': more(false) });
    expect(found.encode('a<x>a')).toEqual([vocab.a, 400, vocab.a]);
    expect(found.vocabSize).toBe(401);
    expect(found.decode([400])).toBe('<x>');
    const special = await load({ 'tokenizer_config.json': more(true) });
    expect(special.encode('<x>')).toEqual((await load({})).encode('<x>'));
    expect(special.decode([400])).toBe('');
    await refused(
      { 'tokenizer_config.json': { added_tokens_decoder: { 400: { content: 'a', special: false } } } },
      /"added_tokens_decoder" gives "a" the number 400, tokenizer\.json \d+/,
    );
  });

  it('added_tokens.json beside the older files', async () => {
    const files = {
      'tokenizer.json': undefined,
      'vocab.json': vocab,
      'merges.txt': `#version: 0.2\n${merges.map((pair) => pair.join(' ')).join('\n')}\n`,
      'added_tokens.json': { '<x>': 400, '<pad>': 401 },
      'special_tokens_map.json': { pad_token: '<pad>', eos_token: '<|endoftext|>' },
    };
    const { encode, decode } = await load(files);
    expect(encode('<x>')).toEqual([400]);
    expect(encode('<pad>')).not.toContain(401);
    expect(decode([401])).toBe('');
  });

  it('do_lower_case', async () => {
    const pieces = JSON.parse(
      readFileSync(join(import.meta.dirname, 'goldens', 'made', 'word-piece-cased.json'), 'utf8'),
    );
    const of = (config: object) =>
      load({ 'tokenizer.json': pieces, 'tokenizer_config.json': { eos_token: '[SEP]', ...config } });
    expect((await of({ do_lower_case: true })).encode('WORDS')).toEqual((await of({})).encode('words'));
    expect((await of({ do_lower_case: false })).encode('WORDS')).not.toEqual((await of({})).encode('words'));
  });

  it('clean_up_tokenization_spaces, which byte pairs are spared', async () => {
    const pieces = JSON.parse(
      readFileSync(join(import.meta.dirname, 'goldens', 'made', 'word-level.json'), 'utf8'),
    );
    const said = async (tokenizer: unknown, config: object) => {
      const { encode, decode } = await load({ 'tokenizer.json': tokenizer, 'tokenizer_config.json': config });
      return decode(encode('the world : words , words'));
    };
    expect(await said(pieces, { eos_token: '</s>' })).toBe('the world : words , words');
    const cleans = { clean_up_tokenization_spaces: true };
    expect(await said(pieces, { eos_token: '</s>', ...cleans })).toBe('the world : words, words');
    expect(await said(json, cleans)).toBe('the world : words , words');
  });
});
