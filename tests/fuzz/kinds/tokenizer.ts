/** A small tokenizer of each kind, and texts that are hard for it. */
import { loadTokenizer } from '../../../src/text/tokenizer.js';
import type { Example, Kind } from '../kind.js';
import { mutatedJson, mutatedLines } from '../mutate-json.js';

const END = '<|endoftext|>';
const json = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value));

/** Every byte as GPT-2's vocabulary writes it. */
const BYTES = Array.from({ length: 256 }, (_, byte) => byte);
const isPrintable = (byte: number) => (byte > 32 && byte < 127) || (byte > 160 && byte !== 173);
const others = BYTES.filter((byte) => !isPrintable(byte));
const charOf = (byte: number) => String.fromCharCode(isPrintable(byte) ? byte : 256 + others.indexOf(byte));

const numbered = (tokens: readonly string[]) => Object.fromEntries(tokens.map((token, id) => [token, id]));
const added = (id: number, content: string) => ({
  ...{ id, content, special: true, single_word: false, lstrip: false, rstrip: false, normalized: false },
});

const byteTokens = [...BYTES.map(charOf), 'he', 'll', 'hell', 'hello', 'Ġa', END];
const merges = ['h e', 'l l', 'he ll', 'hell o', 'Ġ a'];
const byteLevel = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true };
const config = { tokenizer_class: 'GPT2Tokenizer', bos_token: END, eos_token: END, unk_token: END };
const bpe = {
  version: '1.0',
  added_tokens: [added(byteTokens.length - 1, END)],
  normalizer: null,
  pre_tokenizer: byteLevel,
  post_processor: null,
  decoder: byteLevel,
  model: { type: 'BPE', unk_token: null, vocab: numbered(byteTokens), merges },
};

/** A GPT-2-like tokenizer, as two files. */
export const byteTokenizer = (): Record<string, Uint8Array> => ({
  'tokenizer.json': json(bpe),
  'tokenizer_config.json': json(config),
});

const words = ['<unk>', '</s>', 'hello', 'a', 'b', 'c', '##d', '##lo', '▁hello', '▁a', 'é', '.', '<0x0A>'];

const rest = {
  split: {
    ...bpe,
    normalizer: { type: 'Sequence', normalizers: [{ type: 'NFC' }, { type: 'Lowercase' }] },
    pre_tokenizer: {
      type: 'Sequence',
      pretokenizers: [
        {
          type: 'Split',
          pattern: { Regex: "(?i:'s|'t)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}|\\s+(?!\\S)|\\s+" },
          behavior: 'Isolated',
          invert: false,
        },
        { ...byteLevel, use_regex: false },
      ],
    },
  },
  wordpiece: {
    version: '1.0',
    added_tokens: [added(0, '<unk>'), added(1, '</s>')],
    normalizer: { type: 'BertNormalizer', lowercase: true, clean_text: true, handle_chinese_chars: true },
    pre_tokenizer: { type: 'BertPreTokenizer' },
    post_processor: {
      type: 'TemplateProcessing',
      single: [{ Sequence: { id: 'A', type_id: 0 } }, { SpecialToken: { id: '</s>', type_id: 0 } }],
      pair: [],
      special_tokens: { '</s>': { id: '</s>', ids: [1], tokens: ['</s>'] } },
    },
    decoder: { type: 'WordPiece', prefix: '##', cleanup: true },
    model: {
      type: 'WordPiece',
      unk_token: '<unk>',
      continuing_subword_prefix: '##',
      max_input_chars_per_word: 100,
      vocab: numbered(words),
    },
  },
  unigram: {
    version: '1.0',
    added_tokens: [added(0, '<unk>'), added(1, '</s>')],
    normalizer: { type: 'Replace', pattern: { String: ' ' }, content: '▁' },
    pre_tokenizer: { type: 'Metaspace', replacement: '▁', add_prefix_space: true, prepend_scheme: 'always' },
    post_processor: null,
    decoder: {
      type: 'Sequence',
      decoders: [
        { type: 'Replace', pattern: { String: '▁' }, content: ' ' },
        { type: 'ByteFallback' },
        { type: 'Fuse' },
      ],
    },
    model: { type: 'Unigram', unk_id: 0, byte_fallback: false, vocab: words.map((word, i) => [word, -i]) },
  },
};

const texts = [
  'hello a',
  ' \t\n\u0085\ufeff\u2028 a  b\r\n',
  'é e\u0301 👩‍👩‍👧‍👦 漢字 שלום \u0000\u001b[31m',
  '\ud800 a \udc00',
  `${'a'.repeat(3000)}!${' '.repeat(500)}x`,
  END,
];

/** @throws Error where an id is none of the vocabulary's */
async function read(dir: string): Promise<void> {
  const tokenizer = await loadTokenizer(dir);
  for (const text of texts) {
    const ids = tokenizer.encode(text);
    const bad = ids.find((id) => !Number.isInteger(id) || id < 0 || id >= tokenizer.vocabSize);
    if (bad !== undefined) throw new Error(`encode gives the id ${bad} of ${tokenizer.vocabSize}`);
    if (typeof tokenizer.decode(ids) !== 'string') throw new Error('decode gives no text');
  }
  tokenizer.decode([0, tokenizer.eos, tokenizer.vocabSize, 2 ** 24]);
}

export const tokenizer: Kind = {
  name: 'tokenizer',
  share: 14,
  examples: async () => {
    const of = (name: string, content: unknown, about: unknown): Example => ({
      name,
      files: { 'tokenizer.json': json(content), 'tokenizer_config.json': json(about) },
      wrong: { 'tokenizer.json': mutatedJson, 'tokenizer_config.json': mutatedJson },
      read,
    });
    const ends = { eos_token: '</s>', unk_token: '<unk>', pad_token: { content: '<unk>' } };
    const vocab = 'vocab.json';
    return [
      of('byte-level BPE', bpe, config),
      of('split by a regular expression', rest.split, {
        ...config,
        tokenizer_class: 'PreTrainedTokenizerFast',
      }),
      of('WordPiece', rest.wordpiece, { ...ends, tokenizer_class: 'BertTokenizer' }),
      of('Unigram', rest.unigram, { ...ends, tokenizer_class: 'T5Tokenizer' }),
      {
        name: "GPT-2's own files",
        files: {
          [vocab]: json(numbered(byteTokens)),
          'merges.txt': Buffer.from(['#version: 0.2', ...merges, ''].join('\n')),
          'special_tokens_map.json': json({ eos_token: END }),
        },
        wrong: {
          [vocab]: mutatedJson,
          'merges.txt': (bytes, random) => {
            const lines = Buffer.from(bytes)
              .toString()
              .split('\n')
              .map((line) => JSON.stringify(line));
            const wrong = Buffer.from(mutatedLines(Buffer.from(lines.join('\n')), random)).toString();
            return Buffer.from(wrong.replaceAll('"', ''));
          },
          'special_tokens_map.json': mutatedJson,
        },
        read,
      },
    ];
  },
};
