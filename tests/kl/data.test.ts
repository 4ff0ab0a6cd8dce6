import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startEngine } from '../../src/engine/index.js';
import { readKlData } from '../../src/kl/data.js';
import type { KlPair } from '../../src/kl/pair.js';
import { tokenLabel, tokenText } from '../../src/kl/tokens.js';
import { gpt2Config } from '../../src/lm/architectures/gpt2.js';
import { CausalLM } from '../../src/lm/model.js';
import { contextsTable, toContextRow } from '../../src/pipeline/tables.js';
import { refuseTooLong } from '../../src/pipeline/too-long.js';
import { writeTable } from '../../src/store/tables.js';
import { briefs } from '../../src/tasks/briefs/task.js';
import { scratchFolder } from '../store/folder.js';

const dir = scratchFolder();
const ROOM = 8;

/** A token a character, its code less 32 where that is in the vocabulary; a line break is 95, the end of a text 96. */
const tokenizer = {
  vocabSize: 97,
  eos: 96,
  ends: [96],
  begin: [],
  key: 'characters',
  encode: (text: string) => [...text].map((c) => (c === '\n' ? 95 : c.charCodeAt(0) - 32)),
  decode: (ids: ArrayLike<number>) =>
    Array.from(ids, (id) => (id === 95 ? '\n' : id === 96 ? '' : String.fromCharCode(id + 32))).join(''),
};
let pair: KlPair;
beforeAll(async () => {
  await startEngine();
  const sizes = { n_layer: 1, n_head: 1, n_embd: 4, n_positions: 64, vocab_size: 100 };
  const [tuned, base] = [1, 2].map((seed) => ({
    dir: `model ${seed}`,
    lm: CausalLM.init(gpt2Config(sizes), seed),
  }));
  pair = { tuned: tuned!, base: base!, tokenizer, window: 64, dispose: () => {} };
});
afterAll(() => {
  for (const { lm } of [pair.tuned, pair.base]) lm.dispose();
});

function file(...lines: string[]): string {
  const path = join(dir, 'texts.jsonl');
  writeFileSync(path, lines.map((line) => `${line}\n`).join(''));
  return path;
}
const read = (...lines: string[]) => readKlData(file(...lines), pair, briefs, ROOM, refuseTooLong);

describe('the data of kl', () => {
  it('prompts as texts, as ids, and as contexts', async () => {
    expect(
      await read(
        '{"prompt": "ab"}',
        '{"prompt_ids": [1, 99]}',
        '{"context": " ab ", "gold": "c", "id": 7, "feedback": ["a", null]}',
      ),
    ).toEqual({
      kind: 'prompts',
      prompts: [
        { context: '1', ids: [65, 66] },
        { context: '2', ids: [1, 99] },
        { context: '3', ids: tokenizer.encode(briefs.prompts.write('ab')) },
      ],
    });
  });

  it('given texts: nothing is added to them', async () => {
    const data = await read(
      '{"prompt": "ab", "completion": "c"}',
      '',
      '{"prompt_ids": [1], "completion_ids": [2, 3]}',
    );
    expect(data).toMatchObject({
      kind: 'given',
      texts: [
        { context: '1', ids: [65, 66], completion: [67] },
        { context: '3', ids: [1], completion: [2, 3] },
      ],
    });
  });

  it('a table of contexts', async () => {
    const path = join(dir, 'contexts.arrow');
    await writeTable(path, contextsTable, [toContextRow({ id: 'x-7', text: 'ab' })]);
    expect(await readKlData(path, pair, briefs, ROOM, refuseTooLong)).toEqual({
      kind: 'prompts',
      prompts: [{ context: 'x-7', ids: tokenizer.encode(briefs.prompts.write('ab')) }],
    });
    await writeTable(path, contextsTable, [toContextRow({ id: 'x-8', text: 'a'.repeat(60) })]);
    await expect(readKlData(path, pair, briefs, ROOM, refuseTooLong)).rejects.toThrow(
      /^1 of 1 contexts is too long .*: context x-8 \(\d+ tokens\); the window of model 1 is 64 tokens/,
    );
    await writeTable(path, contextsTable, []);
    await expect(readKlData(path, pair, briefs, ROOM, refuseTooLong)).rejects.toThrow('has no contexts');
  });

  it.each([
    ['an object of another kind', ['{"prompt": "a"}', '{"promt": "a"}'], /:2: the line has neither "prompt"/],
    ['no object', ['"a"'], /:1: the line must be an object/],
    ['an array', ['["a"]'], /:1: it is a JSON array; put each object/],
    ['no JSON', ['{"prompt": "a"}', '', '{"prompt": a}'], /:3: it is not valid JSON/],
    ['a misspelt key beside', ['{"prompt": "a", "completon": "b"}'], /:1: .*completon/],
    ['a number for a text', ['{"prompt": 1}'], /:1: "prompt": .*string/],
    ['an id that is none', ['{"prompt_ids": [100]}'], /:1: "prompt_ids.0": an id is outside .* of 100/],
    ['ids without a prompt', ['{"completion_ids": [1]}'], /:1: "prompt_ids"/],
    ['an empty prompt', ['{"prompt": ""}'], /:1: the prompt has no tokens/],
    ['an empty completion', ['{"prompt": "a", "completion": ""}'], /:1: the completion has no tokens/],
    [
      'completions in some lines only',
      ['{"prompt": "a"}', '{"prompt": "a", "completion": "b"}'],
      /:2: it has a completion, unlike the lines before/,
    ],
    [
      'no room for a text',
      [JSON.stringify({ prompt: 'a'.repeat(57) })],
      /^1 of 1 lines is too long .*texts\.jsonl: line 1 \(65 tokens\); the window of model 1 is 64 tokens/,
    ],
    [
      'a text that is too long',
      [JSON.stringify({ prompt: 'a', completion: 'b'.repeat(64) })],
      /^1 of 1 lines is too long .*texts\.jsonl: line 1 \(65 tokens\)/,
    ],
    ['nothing at all', [], /has no lines/],
  ])('refuses %s', async (_name, lines, message) => {
    await expect(read(...lines)).rejects.toThrow(message);
  });

  it('names all that are too long, and leaves them out where that is asked for', async () => {
    const long = (n: number) => JSON.stringify({ prompt: 'a'.repeat(n) });
    const lines = [long(3), long(60), '', long(70), long(4)];
    await expect(read(...lines)).rejects.toThrow(
      /^2 of 4 lines are too long .*texts\.jsonl: lines 2 \(68 tokens\), 4 \(78 tokens\); .*--skip-too-long$/,
    );
    const told: string[] = [];
    const how = { skip: true, tell: (line: string) => told.push(line) };
    const data = await readKlData(file(...lines), pair, briefs, ROOM, how);
    expect(data).toMatchObject({ kind: 'prompts', prompts: [{ context: '1' }, { context: '5' }] });
    expect(told).toEqual([expect.stringMatching(/^left out as too long, 2 of 4 lines: .*lines 2 .*, 4 /)]);
  });

  it('reads ids where neither model has a tokenizer, and says what is missing for texts', async () => {
    const bare = { ...pair, tokenizer: null };
    const data = await readKlData(
      file('{"prompt_ids": [1], "completion_ids": [2]}'),
      bare,
      briefs,
      ROOM,
      refuseTooLong,
    );
    expect(data).toMatchObject({ kind: 'given' });
    for (const line of ['{"prompt": "a"}', '{"context": "a"}'])
      await expect(readKlData(file(line), bare, briefs, ROOM, refuseTooLong)).rejects.toThrow(
        /:1: neither model folder has a tokenizer/,
      );
  });
});

describe('tokens', () => {
  it('are readable within a text and alone', () => {
    expect([65, 0, 95, 96, 97].map((id) => tokenText(tokenizer, id))).toEqual([
      'a',
      ' ',
      '⏎\n',
      '⟨end⟩',
      '\ufffd',
    ]);
    expect([65, 0, 95, 96, 97].map((id) => tokenLabel(tokenizer, id))).toEqual([
      'a',
      '␣',
      '⏎',
      '⟨end⟩',
      '\ufffd ⟨97⟩',
    ]);
    expect(tokenText(null, 5)).toBe('⟨5⟩');
    const long = { ...tokenizer, decode: () => 'a\u202eb '.repeat(20) };
    expect(tokenLabel(long, 1)).toBe(`${'a\ufffdb␣'.repeat(6)}… ⟨1⟩`);
  });
});
