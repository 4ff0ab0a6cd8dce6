// Tokenizers from elsewhere, with anything in them: they work, or they are refused in one line.
import { readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { UserError } from '../../src/store/errors.js';
import { loadTokenizer } from '../../src/text/tokenizer.js';
import { hasShared, shared } from '../helpers/shared.js';
import { scratchFolder } from '../store/folder.js';

const scratch = scratchFolder();
const made = (name: string) =>
  JSON.parse(readFileSync(join(import.meta.dirname, 'goldens', 'made', `${name}.json`), 'utf8'));

type Files = Record<string, unknown>;

async function write(files: Files): Promise<string> {
  const dir = join(scratch, 'folder');
  await mkdir(dir, { recursive: true });
  for (const name of ['tokenizer.json', 'tokenizer_config.json', 'special_tokens_map.json', 'config.json'])
    await writeFile(join(dir, name), JSON.stringify(files[name] ?? {}));
  await writeFile(join(dir, 'generation_config.json'), JSON.stringify(files['generation_config.json'] ?? {}));
  return dir;
}

/** What is wrong, in one line; undefined where the tokenizer works. Anything else that is thrown is thrown on. */
async function fault(files: Files, text = "A word's 12 <b> é\n"): Promise<string | undefined> {
  try {
    const { encode, decode } = await loadTokenizer(await write(files));
    const ids = encode(text);
    if (!ids.every((id) => Number.isInteger(id) && id >= 0)) throw new Error(`these are no ids: ${ids}`);
    if (typeof decode([...ids, 0, 5, 1e9]) !== 'string') throw new Error('no text');
    return undefined;
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    expect(error.message).not.toContain('\n');
    expect(error.message.length).toBeLessThan(scratch.length + 500);
    return error.message;
  }
}

const WRONG = [
  null,
  true,
  -1,
  0.5,
  1e308,
  '',
  'x',
  '<0x4',
  [],
  [[]],
  {},
  { type: 'Sequence' },
  { Regex: '(' },
];

/** The value with each of its parts replaced by each wrong one, or left out; of many of a kind, three. */
function* spoiled(value: unknown, put: (v: unknown) => unknown): Generator<[path: string, whole: unknown]> {
  for (const wrong of WRONG) yield [`= ${JSON.stringify(wrong)}`, put(wrong)];
  if (typeof value !== 'object' || value === null) return;
  for (const key of Object.keys(value).slice(0, 12)) {
    const at = key as keyof typeof value;
    const copy = (v: unknown) =>
      Array.isArray(value) ? value.map((old, i) => (String(i) === key ? v : old)) : { ...value, [key]: v };
    if (!Array.isArray(value)) {
      const { [at]: _, ...rest } = value as Record<string, unknown>;
      yield [`without ${key}`, put(rest)];
    }
    const few = ['vocab', 'merges', 'added_tokens'].includes(key) ? firstOf(value[at], 3) : value[at];
    for (const [path, whole] of spoiled(few, (v) => put(copy(merged(value[at], few, v)))))
      yield [`${key} ${path}`, whole];
  }
}

function firstOf(value: unknown, n: number): unknown {
  if (Array.isArray(value)) return value.slice(0, n);
  return Object.fromEntries(Object.entries(value as object).slice(0, n));
}

/** The part that was shown, put back into what it was of. */
function merged(whole: unknown, few: unknown, changed: unknown): unknown {
  if (whole === few || typeof changed !== 'object' || changed === null) return changed;
  if (Array.isArray(whole)) return Array.isArray(changed) ? [...changed, ...whole.slice(3)] : changed;
  return Array.isArray(changed) ? changed : { ...(whole as object), ...changed };
}

const ENDS: Record<string, string> = {
  cl100k: '<|endoftext|>',
  qwen: '<|endoftext|>',
  'word-piece': '[SEP]',
};

describe.each(['cl100k', 'qwen', 'unigram', 'unigram-bytes', 'word-piece', 'word-level', 'suffix-bpe'])(
  '%s',
  (name) => {
    const config = { eos_token: ENDS[name] ?? '</s>' };

    it('works as it is', async () => {
      expect(await fault({ 'tokenizer.json': made(name), 'tokenizer_config.json': config })).toBe(undefined);
    });

    it('with a part of it wrong works or is refused: a fifth of all', async () => {
      let refused = 0;
      let all = 0;
      let place = 0;
      for (const [path, json] of spoiled(made(name), (v) => v)) {
        if (place++ % 5 !== 0) continue;
        const line = await fault({ 'tokenizer.json': json, 'tokenizer_config.json': config }).catch(
          (error: Error) => {
            throw new Error(`${path}: ${error.stack}`);
          },
        );
        if (line !== undefined) refused++;
        all++;
      }
      expect(refused / all).toBeGreaterThan(0.5);
    }, 300_000);
  },
);

it('with any part of the files beside it wrong works or is refused', async () => {
  const beside: Files = {
    'tokenizer_config.json': {
      tokenizer_class: 'GPT2Tokenizer',
      bos_token: '<|endoftext|>',
      eos_token: { content: '<|endoftext|>', special: true },
      add_prefix_space: true,
      add_bos_token: true,
      added_tokens_decoder: { '0': { content: '<|endoftext|>', special: true } },
      clean_up_tokenization_spaces: true,
    },
    'special_tokens_map.json': { eos_token: '<|endoftext|>', unk_token: { content: '<|endoftext|>' } },
    'config.json': { eos_token_id: [0, 1], bos_token_id: 0, vocab_size: 400 },
    'generation_config.json': { eos_token_id: 0, bos_token_id: 0 },
  };
  for (const file of Object.keys(beside))
    for (const [path, json] of spoiled(beside[file], (v) => v)) {
      const files = { ...beside, 'tokenizer.json': made('cl100k'), [file]: json };
      await fault(files).catch((error: Error) => {
        throw new Error(`${file} ${path}: ${error.stack}`);
      });
    }
});

describe('what takes for ever', () => {
  const with_ = (change: object) => ({
    'tokenizer.json': { ...made('cl100k'), ...change },
    'tokenizer_config.json': { eos_token: '<|endoftext|>' },
  });
  const regex = '(([A-Za-z ]+)+)+#';
  const text = `${'words and words '.repeat(20)}.`;

  it('a pre-tokenizer that goes back and forth without end is stopped', async () => {
    const split = { type: 'Split', pattern: { Regex: regex }, behavior: 'Isolated', invert: false };
    const change = { pre_tokenizer: split };
    expect(await fault(with_(change), text)).toMatch(
      /tokenizer\.json: to encode a text takes more than \d+ seconds/,
    );
  });

  it('a decoder that goes back and forth without end is stopped', async () => {
    const vocab = { ...made('cl100k').model.vocab, [`${'a'.repeat(60)}!`]: 5 };
    const change = {
      model: { ...made('cl100k').model, vocab },
      decoder: { type: 'Replace', pattern: { Regex: '(a+)+#' }, content: '' },
    };
    expect(await fault(with_(change))).toMatch(/to decode a text takes more than \d+ seconds/);
  });

  it('a text that grows beyond memory is refused', async () => {
    const replace = { type: 'Replace', pattern: { String: 'a' }, content: 'a'.repeat(1000) };
    const change = { normalizer: { type: 'Sequence', normalizers: [replace, replace, replace] } };
    expect(await fault(with_(change), 'a'.repeat(5000))).toMatch(
      /a text of more than \d+ characters, as given or as it becomes/,
    );
  });

  it('a pattern too long for a regular expression is refused', async () => {
    const replace = { type: 'Replace', pattern: { String: 'x'.repeat(50_000) }, content: 'y' };
    for (const change of [{ normalizer: replace }, { decoder: replace }])
      expect(await fault(with_(change))).toMatch(/pattern\.String": Too big: .*10000 characters/);
  });

  it('20,000 added tokens are found, the longest of those that begin at a place', async () => {
    const more = Array.from({ length: 20_000 }, (_, i) => ({ id: 400 + i, content: `<added ${i}>` }));
    const added = [...more, { id: 20_400, content: '<added 7>8' }, { id: 20_401, content: '7>89' }];
    const whole = { single_word: false, lstrip: false, rstrip: false, normalized: false, special: false };
    const { encode, decode } = await loadTokenizer(
      await write(with_({ added_tokens: added.map((token) => ({ ...whole, ...token })) })),
    );
    expect(encode('<added 19999><added 7>89')).toEqual([20_399, 20_400, ...encode('9')]);
    expect(decode(encode('a <added 12> b'))).toBe('a <added 12> b');
  });

  it('one word of 200,000 letters is encoded', async () => {
    for (const [name, end] of [
      ['cl100k', '<|endoftext|>'],
      ['unigram', '</s>'],
      ['suffix-bpe', '</s>'],
    ] as const) {
      const files = { 'tokenizer.json': made(name), 'tokenizer_config.json': { eos_token: end } };
      expect(await fault(files, 'ab'.repeat(100_000))).toBe(undefined);
    }
  });
});

describe.runIf(hasShared)('the shared cases', () => {
  const files = (name: string) => ({
    'tokenizer.json': JSON.parse(readFileSync(shared(`hostile/${name}`), 'utf8')),
  });

  it('a number where a behavior should be', async () => {
    expect(await fault(files('tokenizer-split-behavior.json'))).toMatch(/"pre_tokenizer\.behavior": /);
  });

  it('a normalizer without end', async () => {
    expect(await fault(files('tokenizer-redos.json'), 'words and words '.repeat(20))).toMatch(
      /takes more than/,
    );
  });
});
