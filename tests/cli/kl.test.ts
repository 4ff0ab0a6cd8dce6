// `kl` from outside: two folders, texts, and a folder with page, JSON and table.
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { startEngine } from '../../src/engine/index.js';
import { gpt2Config } from '../../src/lm/architectures/gpt2.js';
import { loadLM, saveLM } from '../../src/lm/files.js';
import { CausalLM } from '../../src/lm/model.js';
import { scoreCompletions } from '../../src/lm/score.js';
import { klTable } from '../../src/pipeline/tables.js';
import { readTable } from '../../src/store/tables.js';
import { BYTE_LEVEL_CONFIG, byteLevelJson, END_OF_TEXT } from '../../src/text/byte-level.js';
import { buildOnce, cli, type Finished, filesBelow } from '../helpers/cli.js';
import { inProcess } from '../helpers/in-process.js';
import { scratchFolder } from '../store/folder.js';

// Five tokens, texts of at most three; the last token ends a text. Small enough to enumerate.
const NAMES = ['a', 'b', 'c', 'd', END_OF_TEXT];
const EOS = 4;
const MOST = 3;

const dir = scratchFolder();
const [tuned, base] = [join(dir, 'tuned'), join(dir, 'base')];
const pair = ['--model', tuned, '--base', base, '--quiet'];
const short = ['--max-tokens', String(MOST)];

async function writeModel(path: string, seed: number, names: readonly string[]): Promise<void> {
  const sizes = { n_layer: 1, n_head: 1, n_embd: 8, n_positions: 16, vocab_size: names.length };
  const lm = CausalLM.init(gpt2Config(sizes), seed);
  lm.wte.assign(lm.wte.mul(seed === 1 ? 8 : 4));
  await saveLM(lm, path);
  lm.dispose();
  const vocab = Object.fromEntries(names.map((name, id) => [name, id]));
  writeFileSync(join(path, 'tokenizer.json'), JSON.stringify(byteLevelJson(vocab, [], vocab[END_OF_TEXT]!)));
  writeFileSync(join(path, 'tokenizer_config.json'), JSON.stringify(BYTE_LEVEL_CONFIG));
}

beforeAll(async () => {
  buildOnce();
  await startEngine();
  await writeModel(tuned, 1, NAMES);
  await writeModel(base, 2, NAMES);
}, 180_000);

// A busy machine needs its time.
vi.setConfig({ testTimeout: 120_000 });

const workplace = () => mkdtempSync(join(dir, 'cwd-'));
const texts = (cwd: string, ...lines: object[]) =>
  writeFileSync(join(cwd, 'texts.jsonl'), lines.map((line) => `${JSON.stringify(line)}\n`).join(''));

/** KL(q ‖ p) of all texts after `prompt`, by enumeration. */
async function enumerated(qDir: string, pDir: string, prompt: number[]): Promise<number> {
  const all: number[][] = [];
  const grow = (text: number[]): void => {
    if (text.length === MOST || text.at(-1) === EOS) all.push(text);
    else for (const v of NAMES.keys()) grow([...text, v]);
  };
  grow([]);
  const log = async (path: string) => {
    const lm = await loadLM(path);
    const scores = await scoreCompletions(
      lm,
      all.map((completion) => ({ prompt, completion })),
    );
    lm.dispose();
    return scores.map((of) => of.reduce((sum, lp) => sum + lp, 0));
  };
  const [logQ, logP] = [await log(qDir), await log(pDir)];
  expect(logQ.reduce((sum, lq) => sum + Math.exp(lq), 0)).toBeCloseTo(1, 5);
  return logQ.reduce((sum, lq, i) => sum + Math.exp(lq) * (lq - logP[i]!), 0);
}

interface Result {
  value: number;
  lo: number;
  hi: number;
}
type Estimates = Record<'raoBlackwell' | 'k1' | 'k2' | 'k3' | 'k3TokenSum', Result>;

async function agrees(kl: Record<string, Estimates>, prompt: number[]): Promise<void> {
  for (const [direction, exact] of [
    ['tunedFromBase', await enumerated(tuned, base, prompt)],
    ['baseFromTuned', await enumerated(base, tuned, prompt)],
  ] as const) {
    expect(exact).toBeGreaterThan(0.05);
    for (const name of ['raoBlackwell', 'k1', 'k3TokenSum'] as const) {
      const { value, lo, hi } = kl[direction]![name];
      // Three half-widths of the 95% interval: six standard errors.
      expect(Math.abs(value - exact), `${direction} ${name}`).toBeLessThan(1.5 * (hi - lo));
    }
  }
}

describe('kl', () => {
  it('after prompts: both directions agree with enumeration, and say what they are', async () => {
    const cwd = workplace();
    texts(cwd, ...Array.from({ length: 300 }, () => ({ prompt_ids: [0] })));
    const words = [...pair, ...short, '--data', 'texts.jsonl', '--samples', '4', '--out', 'report', '--json'];
    const { stdout, stderr, code } = await cli(['kl', ...words], { cwd });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const document = JSON.parse(stdout);
    await agrees(document.kl, [0]);
    for (const [name, q] of [
      ['tunedFromBase', 'tuned'],
      ['baseFromTuned', 'base'],
    ]) {
      const result = document.kl[name!];
      expect(result).toMatchObject({
        direction: q === 'tuned' ? 'KL(tuned ‖ base)' : 'KL(base ‖ tuned)',
        sampledFrom: q,
        conditional: true,
        contexts: 300,
        samples: 1200,
        sampling: { temperature: 1, topP: 1, topK: 0, maxNewTokens: MOST, seed: expect.any(Number) },
        units: expect.stringMatching(/^nats per sequence/),
        interval: expect.stringMatching(/bootstrap over contexts/),
      });
      for (const of of [result, result.perToken])
        for (const estimator of ['raoBlackwell', 'k1', 'k2', 'k3', 'k3TokenSum'])
          expect(of[estimator]).toEqual({
            value: expect.any(Number),
            lo: expect.any(Number),
            hi: expect.any(Number),
            n: 300,
          });
      // Positions add up to the sequence's KL, tokens to that by k1: all five of them are listed.
      const sum = (values: number[]) => values.reduce((a, b) => a + b, 0);
      const { positions } = document.byPosition[name!];
      expect(positions.length).toBe(MOST);
      expect(sum(positions.map((at: { kl: Result }) => at.kl.value))).toBeCloseTo(
        result.raoBlackwell.value,
        9,
      );
      const tokens = document.byToken[name!];
      expect(sum(tokens.map((of: { kl: Result }) => of.kl.value))).toBeCloseTo(result.k1.value, 9);
      expect(new Set(tokens.map((of: { text: string }) => of.text))).toEqual(
        new Set(['a', 'b', 'c', 'd', '⟨end⟩']),
      );
    }
    expect(document.options).toEqual({
      data: join(cwd, 'texts.jsonl'),
      samples: 4,
      maxTokens: MOST,
      seed: 0,
      round: 1,
    });
    const out = join(cwd, 'report');
    expect(filesBelow(out)).toEqual(['kl.arrow', 'kl.html', 'kl.json']);
    expect(JSON.parse(readFileSync(join(out, 'kl.json'), 'utf8'))).toEqual(document);
    const rows = await readTable(join(out, 'kl.arrow'), klTable);
    expect(rows.length).toBe(2400);
    expect(new Set(rows.map((row) => row.direction))).toEqual(new Set(['tunedFromBase', 'baseFromTuned']));
    const html = readFileSync(join(out, 'kl.html'), 'utf8');
    expect(html).toContain('1200 texts of 300 contexts');
    expect(html.match(/<svg /g)).toHaveLength(3);
  });

  it('without prompts: the same, unconditionally; equal commands give equal bytes in one folder', async () => {
    const cwd = workplace();
    const words = ['kl', ...pair, ...short, '--unconditional', '1200'];
    const first = await inProcess(words, { cwd });
    expect(first).toMatchObject({ code: 0, stderr: '' });
    expect(first.stdout).toMatch(/KL\(tuned ‖ base\)[\s\S]*KL\(base ‖ tuned\)/);
    const [name, ...others] = readdirSync(join(cwd, 'checkpoints'));
    expect(others).toEqual([]);
    expect(name).toMatch(/^kl-tuned-base-[0-9a-f]{8}$/);
    const out = join(cwd, 'checkpoints', name!);
    const { kl } = JSON.parse(readFileSync(join(out, 'kl.json'), 'utf8'));
    await agrees(kl, [EOS]);
    expect(kl.tunedFromBase).toMatchObject({ conditional: false, samples: 1200 });
    const table = readFileSync(join(out, 'kl.arrow'));
    expect((await inProcess(words, { cwd })).code).toBe(0);
    expect(readdirSync(join(cwd, 'checkpoints'))).toEqual([name]);
    expect(readFileSync(join(out, 'kl.arrow')).equals(table)).toBe(true);
  });

  it('on given texts: exact KL at their prefixes, and the log-likelihood ratio; not called KL(q ‖ p)', async () => {
    const cwd = workplace();
    const items = [
      { prompt: [0], completion: [1, 2, 3] },
      { prompt: [3, 2], completion: [1] },
    ];
    texts(cwd, { prompt: 'a', completion: 'bcd' }, { prompt_ids: [3, 2], completion_ids: [1] });
    const words = ['kl', ...pair, '--data', 'texts.jsonl', '--out', 'report', '--json'];
    const { stdout, stderr } = await inProcess(words, { cwd });
    expect(stderr).toBe('');
    const document = JSON.parse(stdout);
    expect(document.kl).toBeUndefined();
    expect(document.given).toMatchObject({
      measured: 'at the prefixes of the given texts; not KL between the models’ own texts',
      texts: 2,
      tokens: 4,
      units: expect.stringMatching(/^nats per text/),
      interval: expect.stringMatching(/bootstrap over texts/),
    });

    const models = [await loadLM(tuned), await loadLM(base)] as const;
    const scores = await Promise.all(models.map((lm) => scoreCompletions(lm, items)));
    const sum = (of: Float32Array[]) => of.flatMap((one) => [...one]).reduce((a, b) => a + b, 0);
    const ratio = sum(scores[0]!) - sum(scores[1]!);
    expect(document.given.logRatio.value).toBeCloseTo(ratio / 2, 5);
    expect(document.given.perToken.logRatio.value).toBeCloseTo(ratio / 4, 5);
    // By all five continuations of every prefix.
    let [forth, back] = [0, 0];
    for (const { prompt, completion } of items)
      for (const t of completion.keys()) {
        const all = NAMES.map((_, v) => ({
          prompt: [...prompt, ...completion.slice(0, t)],
          completion: [v],
        }));
        const [lq, lp] = await Promise.all(
          models.map(async (lm) => (await scoreCompletions(lm, all)).map(([lp]) => lp!)),
        );
        for (const v of NAMES.keys()) {
          forth += Math.exp(lq![v]!) * (lq![v]! - lp![v]!);
          back += Math.exp(lp![v]!) * (lp![v]! - lq![v]!);
        }
      }
    for (const lm of models) lm.dispose();
    expect(document.given.tunedFromBase.value).toBeCloseTo(forth / 2, 5);
    expect(document.given.baseFromTuned.value).toBeCloseTo(back / 2, 5);
    const rows = await readTable(join(cwd, 'report', 'kl.arrow'), klTable);
    expect(rows.map((row) => row.direction)).toEqual([
      ...new Array(2).fill('given-tunedFromBase'),
      ...new Array(2).fill('given-baseFromTuned'),
    ]);
  });

  it('killed at any time, leaves whole files or none, and can be run again', async () => {
    const cwd = workplace();
    const out = join(cwd, 'report');
    const words = ['kl', ...pair, ...short, '--unconditional', '400', '--out', 'report'];
    const moments = [
      { KILL_AT: '/\\.kl\\.arrow\\..*\\.tmp$' },
      { KILL_AFTER: '/kl\\.arrow$' },
      { KILL_AFTER: '/kl\\.json$' },
    ];
    for (const env of moments) {
      expect(await cli(words, { cwd, env })).toMatchObject({ code: null });
      const files = filesBelow(out).filter((file) => !/^\..+\.tmp$/.test(file));
      if (files.includes('kl.arrow'))
        expect((await readTable(join(out, 'kl.arrow'), klTable)).length).toBe(800);
      if (files.includes('kl.json')) JSON.parse(readFileSync(join(out, 'kl.json'), 'utf8'));
      if (files.includes('kl.html'))
        expect(readFileSync(join(out, 'kl.html'), 'utf8')).toMatch(/<\/html>\n$/);
    }
    expect((await cli(words, { cwd })).code).toBe(0);
    expect(filesBelow(out)).toEqual(['kl.arrow', 'kl.html', 'kl.json']);
  });
});

describe('what kl refuses, in one line', () => {
  function expectOneLine({ code, stdout, stderr }: Finished, line: RegExp): void {
    expect(stderr).toMatch(/^error: .*\n$/);
    expect(stderr).toMatch(line);
    expect(stdout).toBe('');
    expect(code).toBe(2);
  }
  const cases: [name: string, words: (cwd: string) => string[], line: RegExp][] = [
    ['no texts', () => [], /kl needs --data FILE .*--unconditional N/],
    [
      'texts from two places',
      () => ['--data', 'texts.jsonl', '--unconditional', '3'],
      /--data and --unconditional exclude each other/,
    ],
    ['samples of nothing', () => ['--unconditional', '3', '--samples', '2'], /--samples is for prompts/],
    ['the form that was', () => ['--contexts', 'contexts.arrow'], /Unknown argument: contexts/],
    ['a missing file', () => ['--data', 'none.jsonl'], /none\.jsonl: no such file/],
    [
      'a line that is not understood',
      (cwd) => {
        texts(cwd, { prompt: 'a' }, { prompts: 'a' });
        return ['--data', 'texts.jsonl', ...short];
      },
      /texts\.jsonl:2: the line has neither/,
    ],
    [
      'a seed for texts that are given',
      (cwd) => {
        texts(cwd, { prompt: 'a', completion: 'b' });
        return ['--data', 'texts.jsonl', '--seed', '1'];
      },
      /has completions, so nothing is sampled and --seed would do nothing/,
    ],
    [
      'texts longer than the models read',
      () => ['--unconditional', '2', '--max-tokens', '16'],
      /--max-tokens 16: the models read 16 tokens/,
    ],
    [
      'a file for a folder',
      (cwd) => {
        writeFileSync(join(cwd, 'file'), '');
        return ['--unconditional', '2', ...short, '--out', 'file'];
      },
      /--out .*file is a file; the report is a folder/,
    ],
  ];
  it.each(cases)('%s', async (_name, words, line) => {
    const cwd = workplace();
    const given = words(cwd);
    const before = filesBelow(cwd);
    expectOneLine(await inProcess(['kl', ...pair, ...given], { cwd }), line);
    expect(filesBelow(cwd)).toEqual(before);
  });

  it('models of different vocabularies', async () => {
    const other = join(dir, 'other');
    const words = ['kl', '--model', tuned, '--base', other, '--quiet', '--unconditional', '2', ...short];
    const cwd = workplace();
    // A token more; without a tokenizer only the size tells.
    await writeModel(other, 2, [...NAMES.slice(0, 4), 'e', END_OF_TEXT]);
    expectOneLine(await inProcess(words, { cwd }), /tokenizers of .* differ: one has 5 tokens, the other 6/);
    rmSync(join(other, 'tokenizer.json'));
    expectOneLine(await inProcess(words, { cwd }), /vocabularies differ: 5 and 6 tokens/);
    // As many, but two of them in each other's place.
    await writeModel(other, 2, ['b', 'a', ...NAMES.slice(2)]);
    expectOneLine(
      await inProcess(words, { cwd }),
      /tokenizers of .* differ: the token "a" is number 0 of the one, 1/,
    );
    expect(filesBelow(cwd)).toEqual([]);
  });

  it('but not a folder whose tokenizer is the other’s', async () => {
    const bare = join(dir, 'bare');
    cpSync(base, bare, { recursive: true });
    for (const file of ['tokenizer.json', 'tokenizer_config.json']) rmSync(join(bare, file));
    const cwd = workplace();
    mkdirSync(join(cwd, 'report'));
    const words = ['--quiet', '--unconditional', '2', ...short, '--out', 'report'];
    expect(await inProcess(['kl', '--model', bare, '--base', tuned, ...words], { cwd })).toMatchObject({
      code: 0,
    });
    expectOneLine(
      await inProcess(['kl', '--model', bare, '--base', bare, ...words], { cwd }),
      /neither .*bare nor .*bare has a tokenizer/,
    );
  });
});
