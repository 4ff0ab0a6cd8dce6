// What goes wrong is one line on standard error and status 2, and leaves nothing half-written.
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { gpt2Config } from '../../src/lm/architectures/gpt2.js';
import { saveLM } from '../../src/lm/files.js';
import { CausalLM } from '../../src/lm/model.js';
import { takeLock } from '../../src/store/lock.js';
import { loadTokenizer } from '../../src/text/tokenizer.js';
import { buildOnce, cli, type Finished, filesBelow } from '../helpers/cli.js';
import { inProcess } from '../helpers/in-process.js';
import writeTinyModels from '../helpers/tiny-models.js';
import { scratchFolder } from '../store/folder.js';

const dir = scratchFolder();
const models = join(dir, 'models');
const tiny = ['--base', join(models, 'base'), '--instruct', join(models, 'instruct')];
const small = ['--contexts', '4', '--heldout', '3', '--samples', '2', '--max-tokens', '6', '--quiet'];

/** A model that reads 128 tokens. */
const narrow = join(models, 'narrow');

beforeAll(async () => {
  buildOnce();
  await writeTinyModels(models);
  cpSync(join(models, 'base'), narrow, { recursive: true });
  const { vocabSize } = await loadTokenizer(narrow);
  const sizes = { n_layer: 1, n_head: 1, n_embd: 8, n_positions: 128, vocab_size: vocabSize };
  const lm = CausalLM.init(gpt2Config(sizes), 3);
  await saveLM(lm, narrow);
  lm.dispose();
}, 180_000);

// A busy machine needs its time.
vi.setConfig({ testTimeout: 120_000 });

/** A folder to run in. */
const workplace = () => mkdtempSync(join(dir, 'cwd-'));

function expectOneLine({ code, stdout, stderr }: Finished, line: RegExp): void {
  expect(stderr).toMatch(/^error: .*\n$/);
  expect(stderr).toMatch(line);
  expect(stdout).toBe('');
  expect(code).toBe(2);
}

/** Copies the tiny base model and spoils it. */
function spoiled(name: string, spoil: (model: string) => void): string {
  const model = join(dir, name);
  cpSync(join(models, 'base'), model, { recursive: true });
  spoil(model);
  return model;
}

describe('bad input', () => {
  const lines = (...all: string[]) => {
    const path = join(mkdtempSync(join(dir, 'data-')), 'own.jsonl');
    writeFileSync(path, all.map((line) => `${line}\n`).join(''));
    return path;
  };
  const cases: [name: string, words: () => string[], line: RegExp][] = [
    ['an unknown option', () => ['--contxts', '3'], /Unknown argument: contxts/],
    ['an unknown command', () => ['trian'], /Unknown argument: trian/],
    ['a word for a number', () => ['--seed', 'seven'], /--seed must be one number/],
    ['a number out of range', () => ['--top-p', '1.5'], /--top-p must be one number, above 0 and at most 1/],
    ['an option given twice', () => ['--seed', '1', '--seed', '2'], /--seed must be one number/],
    ['an option without its value', () => ['--lr'], /Not enough arguments following: lr/],
    ['an unknown engine', () => ['--engine', 'abacus'], /engine.*abacus/],
    ['an unknown precision', () => ['--precision', 'float16'], /precision.*float16/],
    [
      'a precision that the engine has not',
      () => ['--precision', 'bfloat16', '--engine', 'wasm'],
      /precision bfloat16: the engine wasm has float32 only/,
    ],
    [
      'a GPU and an engine that has none',
      () => ['--gpu', '--engine', 'cpu'],
      /--gpu and --engine cpu contradict each other/,
    ],
    [
      'a missing model folder',
      () => [...tiny, '--base', join(dir, 'none')].slice(2),
      /no model folder .*none/,
    ],
    ['a command without what it needs', () => ['score', '--json'], /Missing required argument: data/],
    [
      'a model folder without weights',
      () => ['--base', spoiled('weightless', (model) => rmSync(join(model, 'model.safetensors')))],
      /the model folder .*weightless has no model.safetensors/,
    ],
    [
      'weights that were cut off',
      () => [
        '--base',
        spoiled('cut', (model) => {
          const path = join(model, 'model.safetensors');
          writeFileSync(path, readFileSync(path).subarray(0, 100_000));
        }),
      ],
      /cut.model\.safetensors is not a valid safetensors file: .*is it cut off/,
    ],
    [
      'a header that promises 2⁶³ bytes',
      () => [
        '--base',
        spoiled('hostile', (model) =>
          writeFileSync(
            join(model, 'model.safetensors'),
            Buffer.concat([Buffer.from([255, 255, 255, 255, 255, 255, 255, 127]), Buffer.from('{}')]),
          ),
        ),
      ],
      /hostile.model\.safetensors is not a valid safetensors file: a header of/,
    ],
    [
      'a config of another model',
      () => [
        '--base',
        spoiled('misfit', (model) => writeFileSync(join(model, 'config.json'), '{"n_layer":')),
      ],
      /misfit.config\.json: it is not valid JSON/,
    ],
    ['a data file that is not there', () => ['--data', join(dir, 'none.jsonl')], /none\.jsonl: no such file/],
    [
      'a line that does not parse',
      () => ['--data', lines('{"context": "a"}', '', '{"context": oops}')],
      /own\.jsonl:3: it is not valid JSON/,
    ],
    [
      'the same context twice',
      () => ['--data', lines('{"context": "a"}', '{"context": "a"}')],
      /own\.jsonl:2: .*given before/,
    ],
    ['too few contexts', () => ['--data', lines('{"context": "a"}')], /1 context; at least 2/],
    [
      'contexts for a task that makes its own',
      () => ['--task', 'briefs', '--data', lines('{"context": "a"}', '{"context": "b"}')],
      /the task briefs makes its own contexts; leave out --data/,
    ],
    [
      'an annotator for contexts that it does not know',
      () => ['--feedback', 'simulated', '--data', lines('{"context": "a"}', '{"context": "b"}')],
      /--feedback simulated cannot say something about each of these contexts/,
    ],
    [
      'a context that is too long for the critic alone',
      () => [
        '--critic',
        narrow,
        '--data',
        lines('{"context": "a"}', JSON.stringify({ context: 'long '.repeat(60) })),
      ],
      /1 of 2 contexts is too long .*own\.jsonl: line 2 \(\d+ tokens\); the window of .*narrow is 128 tokens/,
    ],
    [
      'a judge that was not exported, with what works without',
      () => ['--judge', join(models, 'base'), '--data', lines('{"context": "a"}', '{"context": "b"}')],
      /base has no onnx\/model\.onnx: .*\(--host engine\)/,
    ],
    [
      'NaN, as json.dumps writes it',
      () => ['--data', lines('{"context": "a", "output": NaN}', '{"context": "b"}')],
      /own\.jsonl:1: it holds NaN, which is not JSON; write null/,
    ],
    [
      'an id twice',
      () => ['--data', lines('{"context": "a", "id": 1}', '{"context": "b", "id": 1}')],
      /own\.jsonl:2: the id "1" is that of .*own\.jsonl:1, too/,
    ],
    [
      'more rounds than contexts',
      () => ['--data', lines('{"context": "a"}', '{"context": "b"}'), '--rounds', '2'],
      /1 contexts to learn from are too few for 2 rounds/,
    ],
    [
      'a context that is too long',
      () => ['--data', lines('{"context": "a"}', JSON.stringify({ context: 'long '.repeat(600) }))],
      /1 of 2 contexts is too long .*own\.jsonl: line 2 /,
    ],
    [
      'two ways of going on',
      () => ['--continue', '--retrain'],
      /continue and retrain are mutually exclusive/,
    ],
    ['an unknown ranker', () => ['--ranker', 'oracle'], /ranker.*oracle/],
    [
      'a trained ranker without its folder',
      () => ['--ranker', 'human-likeness'],
      /human-likeness is a model of its own: make one by "node train.js reward-model", and give --human-likeness DIR/,
    ],
    [
      'a trained ranker that is not there',
      () => ['--ranker', 'reward-model', '--reward-model', join(dir, 'none')],
      /no model folder .*none/,
    ],
    [
      'references that are not there',
      () => ['--data', lines('{"context": "a"}', '{"context": "b"}'), '--targets', 'gold'],
      /own\.jsonl:\d has no reference to learn/,
    ],
    [
      "another context's feedback where there is no other",
      () => ['--data', lines('{"context": "a"}', '{"context": "b"}'), '--targets', 'shuffled-feedback'],
      /shuffled feedback needs 2 contexts a round/,
    ],
    [
      'targets without the tables that they are made from',
      () => ['targets', '--contexts', 'c.arrow', '--scores', 's.arrow', '--out', 't.arrow'],
      /the targets ilf are made from initial, feedback, refinements: give --initial, --feedback, --refinements/,
    ],
    ['a folder that is no run', () => ['--run', models], /holds other files than a run's/],
  ];
  it.each(cases)('%s', async (_name, words, line) => {
    const cwd = workplace();
    const given = words();
    const defaults = [0, 2].flatMap((i) => (given.includes(tiny[i]!) ? [] : tiny.slice(i, i + 2)));
    const isCommand = ['score', 'targets', 'trian'].includes(given[0]!);
    const finished = await inProcess(isCommand ? given : [...small, ...defaults, ...given], { cwd });
    expectOneLine(finished, line);
    expect(filesBelow(cwd)).toEqual([]);
  });

  it('tables of another run', async () => {
    const cwd = workplace();
    const run = (words: string[]) => inProcess(words, { cwd });
    expect((await run(['contexts', '--count', '2', '--out', 'a.arrow'])).code).toBe(0);
    expect((await run(['contexts', '--from', '1', '--count', '2', '--out', 'b.arrow'])).code).toBe(0);
    const model = ['--model', join(models, 'base'), '--max-tokens', '3'];
    expect((await run(['generate', '--contexts', 'a.arrow', ...model, '--out', 'i.arrow'])).code).toBe(0);
    const finished = await run([
      'feedback',
      '--contexts',
      'b.arrow',
      '--initial',
      'i.arrow',
      '--out',
      'f.arrow',
    ]);
    expectOneLine(
      finished,
      /i\.arrow: row 0 is of context "ilf-1000", which .*b\.arrow has not; it was made from/,
    );
    const cut = readFileSync(join(cwd, 'a.arrow')).subarray(0, 900);
    writeFileSync(join(cwd, 'cut.arrow'), cut);
    expectOneLine(
      await run(['generate', '--contexts', 'cut.arrow', ...model, '--out', 'o.arrow']),
      /cut\.arrow: it is not a whole Arrow IPC file/,
    );
    expect(filesBelow(cwd)).toEqual(['a.arrow', 'b.arrow', 'cut.arrow', 'i.arrow']);
  });
});

describe('a full disk', () => {
  it('at the tuned model: one line, whole tables, and the run can go on', async () => {
    const cwd = workplace();
    const words = [...small, ...tiny, '--run', 'here'];
    // Files of at most 100 KiB: the tables fit, the model does not.
    const finished = await cli(words, { cwd, shell: 'ulimit -f 100' });
    expectOneLine(finished, /cannot write .*finetuned.*larger than/);
    const files = filesBelow(join(cwd, 'here'));
    expect(files).toContain('round-1/scores.arrow');
    expect(files.filter((file) => /tmp|finetuned|lock/.test(file))).toEqual([]);
    expect((await cli(words, { cwd })).code).toBe(0);
    expect(filesBelow(join(cwd, 'here'))).toContain('result.json');
  });

  it('at the first table', async () => {
    const cwd = workplace();
    const out = join(cwd, 'contexts.arrow');
    const finished = await cli(['contexts', '--count', '50', '--out', out], { cwd, shell: 'ulimit -f 4' });
    expectOneLine(finished, /cannot write .*contexts\.arrow/);
    expect(filesBelow(cwd)).toEqual([]);
  });
});

describe('a run in use', () => {
  it('belongs to one process', async () => {
    const cwd = workplace();
    const words = [...small, ...tiny, '--run', 'here'];
    mkdirSync(join(cwd, 'here'));
    const release = await takeLock(join(cwd, 'here', 'lock'));
    expectOneLine(await cli(words, { cwd }), /process \d+ on .* is using this run/);
    release();
    expect(await cli(words, { cwd })).toMatchObject({ code: 0 });
  });
});
