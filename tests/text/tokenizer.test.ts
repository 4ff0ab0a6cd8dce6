import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AutoTokenizer, env } from '@xenova/transformers';
import ranks from 'gpt-tokenizer/bpeRanks/r50k_base';
import { encode as gpt2Encode } from 'gpt-tokenizer/encoding/r50k_base';
import { beforeAll, describe, expect, it } from 'vitest';
import { UserError } from '../../src/store/errors.js';
import { BYTE_CHARS, PRE_TOKENS } from '../../src/text/byte-level.js';
import { buildGpt2Subset } from '../../src/text/gpt2-subset.js';
import { copyTokenizer, loadTokenizer, type Tokenizer } from '../../src/text/tokenizer.js';
import { scratchFolder } from '../store/folder.js';

const scratch = scratchFolder();
const dir = join(scratch, 'subset');

const corpus = [
  'Post: The meeting in Antwerp moved from Tuesday to Thursday, 14:30; Dr. Okonkwo can’t come.\nSummary:',
  "She'll bring the spreadsheet… we don't know whether it's unbelievably late.  Two spaces,\n\n\ttabs and\r\nlines.",
  'Refinement: naïve café résumé 東京 — 12345678 units (≈ 3.5 %) \u00a0 end ',
  'internationalization internationalisation aaaaaaaaaaaaaaaa !!!!!!!! ________ 🙂🙂 👩‍👩‍👧',
];
const foreign = [
  '',
  ' ',
  '\n',
  'Zanzibar quokka — words that the corpus has not',
  '<|endoftext|>',
  'a<|endoftext|>b <|endoftext|>',
  '👩🏽‍🚀 emoji ✨ and 漢字 かな 한국어 العربية हिन्दी',
  `${Array.from({ length: 32 }, (_, i) => String.fromCharCode(i)).join('')}\u007f\u0080\u009f\u00ad`,
  '\ufeffbyte-order mark\ufeff',
  '\u2028\u2029\u3000\u1680 exotic  spaces \u00a0',
  `${'x'.repeat(5000)} ${'é'.repeat(300)}`,
  '__proto__ constructor toString hasOwnProperty',
  "'S 'LL don't DON'T ''s",
];

/** GPT-2's tokens of a text, spelt as in a vocabulary file. */
function gpt2Names(text: string): string[] {
  return gpt2Encode(text).map((id) => {
    const bytes = Buffer.from(ranks[id]! as string);
    return Array.from(bytes, (byte) => BYTE_CHARS[byte]).join('');
  });
}

/** A token's name per id. */
async function namesOf(folder: string): Promise<string[]> {
  const json = JSON.parse(await readFile(join(folder, 'tokenizer.json'), 'utf8'));
  const names: string[] = [];
  for (const [name, id] of Object.entries(json.model.vocab as Record<string, number>)) names[id] = name;
  return names;
}

let tokenizer: Tokenizer;
beforeAll(async () => {
  await buildGpt2Subset(corpus, dir);
  tokenizer = await loadTokenizer(dir);
});

describe('the subset', () => {
  it('has dense ids, the bytes first, the end of text last', async () => {
    const names = await namesOf(dir);
    expect(names.length).toBe(tokenizer.vocabSize);
    expect(names.every((name) => typeof name === 'string')).toBe(true);
    expect(names.slice(0, 3)).toEqual(['!', '"', '#']);
    expect(names.at(-1)).toBe('<|endoftext|>');
    expect(tokenizer.eos).toBe(names.length - 1);
    expect(names.length).toBeGreaterThan(300);
    expect(names.length).toBeLessThan(600);
  });

  it('tokenizes the corpus as GPT-2 does', async () => {
    const names = await namesOf(dir);
    const ours = (text: string) => tokenizer.encode(text).map((id) => names[id]!);
    for (const text of corpus) expect(ours(text)).toEqual(gpt2Names(text));
    const pieces = corpus.flatMap((text) => text.match(PRE_TOKENS)!);
    for (let i = 0; i < 500; i++) {
      const text = [i, i * 7, i * 13, i * 31].map((at) => pieces[at % pieces.length]).join('');
      const known = text.match(PRE_TOKENS)!.every((piece) => pieces.includes(piece));
      if (known) expect(ours(text)).toEqual(gpt2Names(text));
    }
    expect(ours(' internationalization').length).toBeLessThan(4);
  });

  it.each([...corpus, ...foreign].map((text) => [text.slice(0, 40), text]))(
    'round-trips %j',
    (_name, text) => {
      const ids = tokenizer.encode(text);
      expect(ids).not.toContain(tokenizer.eos);
      expect(ids.every((id) => Number.isInteger(id) && id >= 0 && id < tokenizer.vocabSize)).toBe(true);
      expect(tokenizer.decode(ids)).toBe(text);
      expect(tokenizer.decode(Int32Array.from(ids))).toBe(text);
    },
  );

  it('gives the tokens of transformers.js, whole texts at a time', async () => {
    env.allowRemoteModels = false;
    const reference = await AutoTokenizer.from_pretrained(dir, { local_files_only: true });
    expect(reference.eos_token_id).toBe(tokenizer.eos);
    for (const text of [...corpus, ...foreign]) {
      if (text === '' || text.includes('<|endoftext|>')) continue;
      expect(tokenizer.encode(text)).toEqual(reference.encode(text, { add_special_tokens: false }));
      expect(reference.decode(tokenizer.encode(text), { skip_special_tokens: true })).toBe(text);
    }
    expect(reference.encode('a<|endoftext|>')).toContain(tokenizer.eos);
  });

  it('takes half of a surrogate pair for U+FFFD, as UTF-8 does', () => {
    for (const half of ['\ud83d', '\ude42', 'a\ud83d b', '\ude42\ud83d'])
      expect(tokenizer.encode(half)).toEqual(tokenizer.encode(half.replace(/\p{Surrogate}/gu, '\ufffd')));
    expect(tokenizer.decode(tokenizer.encode('a\ud83d'))).toBe('a\ufffd');
  });

  it('decodes special tokens to nothing and foreign ids to U+FFFD', () => {
    const ids = tokenizer.encode(' yes');
    expect(tokenizer.decode([...ids, tokenizer.eos])).toBe(' yes');
    expect(tokenizer.decode([99_999, -1, 1.5])).toBe('\ufffd\ufffd\ufffd');
    expect(tokenizer.decode([])).toBe('');
  });

  it('is the same bytes whatever the order of the corpus', async () => {
    await buildGpt2Subset([...corpus].reverse(), join(scratch, 'reversed'));
    const [a, b] = await Promise.all(
      [dir, join(scratch, 'reversed')].map((folder) => readFile(join(folder, 'tokenizer.json'), 'utf8')),
    );
    expect(a).toBe(b);
  });
});

describe('other folders', () => {
  it('reads vocab.json and merges.txt', async () => {
    const old = join(scratch, 'gpt2-files');
    await mkdir(old);
    const { vocab, merges } = JSON.parse(await readFile(join(dir, 'tokenizer.json'), 'utf8')).model;
    await writeFile(join(old, 'vocab.json'), JSON.stringify(vocab));
    await writeFile(join(old, 'merges.txt'), `#version: 0.2\n${merges.join('\n')}\n`);
    const loaded = await loadTokenizer(old);
    expect(loaded.eos).toBe(tokenizer.eos);
    for (const text of [...corpus, ...foreign]) expect(loaded.encode(text)).toEqual(tokenizer.encode(text));
    await writeFile(join(old, 'merges.txt'), 'a b c\n');
    await expect(loadTokenizer(old)).rejects.toThrow(/merges\.txt: "a b c" is not two tokens/);
    await rm(join(old, 'merges.txt'));
    await expect(loadTokenizer(old)).rejects.toThrow(/cannot read .*merges\.txt: no such file/);
  });

  it('reads a tokenizer that is not byte-level, without its special tokens in text', async () => {
    const folder = join(scratch, 'words');
    await mkdir(folder);
    const special = { single_word: false, lstrip: false, rstrip: false, normalized: false, special: true };
    const json = {
      version: '1.0',
      added_tokens: [{ id: 4, content: '</s>', ...special }],
      normalizer: { type: 'Lowercase' },
      pre_tokenizer: { type: 'WhitespaceSplit' },
      post_processor: null,
      decoder: null,
      model: {
        type: 'WordPiece',
        vocab: { '[UNK]': 0, a: 1, b: 2, '##c': 3 },
        unk_token: '[UNK]',
        continuing_subword_prefix: '##',
        max_input_chars_per_word: 100,
      },
    };
    await writeFile(join(folder, 'tokenizer.json'), JSON.stringify(json));
    await writeFile(
      join(folder, 'tokenizer_config.json'),
      '{"tokenizer_class":"PreTrainedTokenizerFast","eos_token":{"__type":"AddedToken","content":"</s>"}}',
    );
    const words = await loadTokenizer(folder);
    expect(words.eos).toBe(4);
    expect(words.vocabSize).toBe(5);
    expect(words.encode('A bc </s> a')).toEqual([1, 2, 3, 0, 1]);
    expect(words.encode('')).toEqual([]);
  });

  it('copies what there is', async () => {
    const to = join(scratch, 'copy');
    await mkdir(to);
    await copyTokenizer(dir, to);
    expect((await readdir(to)).sort()).toEqual(['tokenizer.json', 'tokenizer_config.json']);
    expect((await loadTokenizer(to)).encode(corpus[0]!)).toEqual(tokenizer.encode(corpus[0]!));
  });

  it.each([
    ['nothing', {}, /has no tokenizer/],
    ['no JSON', { 'tokenizer.json': '{' }, /tokenizer\.json: it is not valid JSON/],
    ['no model', { 'tokenizer.json': '{}' }, /tokenizer\.json: "model"/],
    [
      'no end of text',
      { 'tokenizer.json': '{"model":{"type":"BPE","vocab":{"a":0},"merges":[]}}' },
      /no token "<\|endoftext\|>"/,
    ],
    ['a negative id', { 'tokenizer.json': '{"model":{"vocab":{"a":-1}}}' }, /"model\.vocab/],
    [
      'an unknown model',
      { 'tokenizer.json': '{"model":{"type":"X","vocab":{"<|endoftext|>":0}}}' },
      /tokenizer\.json: /,
    ],
    ['not text', { 'tokenizer.json': Buffer.from([0xff, 0xfe, 0x00]) }, /not UTF-8/],
  ])('refuses a folder with %s', async (what, files, message) => {
    const folder = join(scratch, `bad ${what}`);
    await mkdir(folder);
    for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content);
    const error = await loadTokenizer(folder).catch((reason: unknown) => reason as Error);
    expect(error).toBeInstanceOf(UserError);
    expect((error as Error).message).toMatch(message);
    expect((error as Error).message).not.toContain('\n');
  });
});
