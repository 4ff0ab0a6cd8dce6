// Model folders from elsewhere, with anything in them: one line and status 2, whatever the command, and nothing is written.
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { readContexts, targetsTable } from '../../src/pipeline/tables.js';
import { writeTable } from '../../src/store/tables.js';
import { filesBelow } from '../helpers/cli.js';
import { inProcess } from '../helpers/in-process.js';
import { hasShared, shared } from '../helpers/shared.js';
import writeTinyModels from '../helpers/tiny-models.js';
import { scratchFolder } from '../store/folder.js';

const dir = scratchFolder();
const at = (...path: string[]) => join(dir, ...path);

// A busy machine needs its time.
vi.setConfig({ testTimeout: 120_000 });

const run = (words: string[]) => inProcess([...words, '--quiet'], { cwd: dir });

beforeAll(async () => {
  await writeTinyModels(dir);
  writeFileSync(at('texts.jsonl'), '{"prompt":"a","completion":" b"}\n');
  const step = async (...words: string[]) => expect(await run(words)).toMatchObject({ code: 0 });
  await inProcess(['contexts', '--count', '2', '--out', 'c.arrow'], { cwd: dir });
  const given = ['--contexts', 'c.arrow', '--initial', 'i.arrow'];
  await step('generate', '--contexts', 'c.arrow', '--model', 'base', '--max-tokens', '4', '--out', 'i.arrow');
  await step('feedback', ...given, '--out', 'f.arrow');
  const refine = [
    ...given,
    '--feedback',
    'f.arrow',
    '--base',
    'base',
    '--instruct',
    'instruct',
    '--samples',
    '2',
    '--max-tokens',
    '4',
  ];
  await step('refine', ...refine, '--out', 'r.arrow');
  const rows = (await readContexts(at('c.arrow'))).map(({ id }) => ({
    ...{ context: id, text: 'A short text.', ids: [], tokenizer: '', weight: 1 },
  }));
  await writeTable(at('t.arrow'), targetsTable, rows);
}, 180_000);

/** The copy `bad` of a tiny model with something wrong. */
function spoil(of: 'base' | 'instruct', change: (path: (name: string) => string) => void): void {
  rmSync(at('bad'), { recursive: true, force: true });
  cpSync(at(of), at('bad'), { recursive: true });
  change((name) => at('bad', name));
}

async function refused(words: string[], line: RegExp): Promise<void> {
  const before = filesBelow(dir);
  const { code, stdout, stderr } = await run(words);
  expect(stderr).toMatch(/^error: .*\n$/);
  expect(stderr).toMatch(line);
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  expect(filesBelow(dir)).toEqual(before);
}

const inputs = [
  '--contexts',
  'c.arrow',
  '--initial',
  'i.arrow',
  '--feedback',
  'f.arrow',
  '--refinements',
  'r.arrow',
];
const commands: Record<string, string[]> = {
  generate: ['generate', '--contexts', 'c.arrow', '--model', 'bad', '--max-tokens', '4', '--out', 'o.arrow'],
  score: ['score', '--model', 'bad', '--data', 'texts.jsonl'],
  finetune: ['finetune', '--contexts', 'c.arrow', '--targets', 't.arrow', '--model', 'bad', '--out', 'tuned'],
  kl: ['kl', '--model', 'base', '--base', 'bad', '--data', 'texts.jsonl', '--out', 'kl'],
  rank: ['rank', ...inputs, '--instruct', 'bad', '--out', 's.arrow'],
};

type Change = (path: (name: string) => string) => void;
const edit =
  (name: string, change: (json: Record<string, unknown>) => void): Change =>
  (path) => {
    const json = JSON.parse(readFileSync(path(name), 'utf8'));
    change(json);
    writeFileSync(path(name), JSON.stringify(json));
  };
const put =
  (name: string, content: string): Change =>
  (path) =>
    writeFileSync(path(name), content);
/** Not a file. */
const linked =
  (name: string, to: string): Change =>
  (path) => {
    rmSync(path(name), { force: true });
    symlinkSync(to, path(name));
  };
const fifo =
  (name: string): Change =>
  (path) => {
    rmSync(path(name), { force: true });
    execFileSync('mkfifo', [path(name)]);
  };
const folder =
  (name: string): Change =>
  (path) => {
    rmSync(path(name), { force: true });
    mkdirSync(path(name));
  };
const READ = ['config.json', 'generation_config.json', 'model.safetensors'];
const TEXT = ['tokenizer.json', 'tokenizer_config.json', 'special_tokens_map.json', 'added_tokens.json'];

describe.each(['generate', 'score', 'finetune', 'kl'])('%s', (command) => {
  const cases: [what: string, change: Change, line: RegExp][] = [
    [
      '16,777,216 layers',
      edit('config.json', (json) => {
        json.n_layer = 16777216;
      }),
      /"n_layer": Too big/,
    ],
    [
      '4,096 layers',
      edit('config.json', (json) => {
        json.n_layer = 4096;
      }),
      /the tensor h\.2\.\S+ is missing/,
    ],
    [
      '16,777,216 positions',
      edit('config.json', (json) => {
        json.n_positions = 16777216;
      }),
      /wpe\.weight has the shape/,
    ],
    [
      'an object for a number',
      edit('config.json', (json) => {
        json.n_embd = { valueOf: 32 };
      }),
      /"n_embd": .*expected number/,
    ],
    [
      'a number for a name',
      edit('config.json', (json) => {
        json.model_type = 7;
      }),
      /"model_type": /,
    ],
    [
      'an object for the end of text',
      edit('config.json', (json) => {
        json.eos_token_id = {};
      }),
      /"eos_token_id": /,
    ],
    ['a list for a file', put('config.json', '[]'), /config\.json: .*expected object/],
    [
      'a text for a list of merges',
      edit('tokenizer.json', (json) => {
        (json.model as { merges: unknown }).merges = 'a b';
      }),
      /"model\.merges": /,
    ],
    [
      'a merge of what is no token',
      edit('tokenizer.json', (json) => {
        (json.model as { merges: string[] }).merges.push('zz qq');
      }),
      /"model\.merges\.\d+" is of a token that the vocabulary has not/,
    ],
  ];
  it.each(cases)('with %s', async (_what, change, line) => {
    spoil('base', change);
    await refused(commands[command]!, line);
  });
});

describe('files that are none', () => {
  it.each(
    [...READ, ...TEXT].flatMap((name) => [
      [name, '/dev/zero', linked(name, '/dev/zero'), /it is a device or a pipe/] as const,
      [name, 'a pipe that nobody writes to', fifo(name), /it is a device or a pipe/] as const,
      [name, 'a folder', folder(name), /it is a folder, a file was expected/] as const,
      [name, 'a link to itself', linked(name, name), /too many symbolic links|has no/] as const,
    ]),
  )('%s as %s', async (_name, _what, change, line) => {
    spoil('base', change);
    await refused(commands.generate!, line);
  });

  it.each(['vocab.json', 'merges.txt'])('%s as /dev/zero', async (name) => {
    spoil('base', (path) => {
      const { vocab, merges } = JSON.parse(readFileSync(path('tokenizer.json'), 'utf8')).model;
      rmSync(path('tokenizer.json'));
      writeFileSync(path('vocab.json'), JSON.stringify(vocab));
      writeFileSync(path('merges.txt'), merges.join('\n'));
      linked(name, '/dev/zero')(path);
    });
    await refused(commands.generate!, new RegExp(`${name}: it is a device or a pipe`));
  });

  it('in a folder that a run is made from', async () => {
    const loop = [
      '--base',
      'bad',
      '--instruct',
      'instruct',
      '--contexts',
      '2',
      '--heldout',
      '2',
      '--run',
      'run',
    ];
    for (const [change, line] of [
      [linked('notes', '/dev/zero'), /notes: it is a device or a pipe/],
      [fifo('notes'), /notes: it is a device or a pipe/],
      [linked('notes', '.'), /notes: it is a link to a folder that it is in/],
    ] as const) {
      spoil('base', change);
      await expect(run([...loop, '--max-tokens', '4'])).resolves.toMatchObject({
        code: 2,
        stderr: expect.stringMatching(line),
      });
      rmSync(at('run'), { recursive: true, force: true });
    }
  });
});

describe('the judge on onnxruntime', () => {
  const onnx =
    (from: string, to: string): Change =>
    (path) => {
      const bytes = readFileSync(path('onnx/model.onnx'));
      for (let i = bytes.indexOf(from); i >= 0; i = bytes.indexOf(from, i + 1)) bytes.write(to, i);
      writeFileSync(path('onnx/model.onnx'), bytes);
    };
  const says = (key: string, value: unknown) =>
    edit('config.json', (json) => {
      json[key] = value;
    });
  const cases: [what: string, change: Change, line: RegExp][] = [
    ['an empty file', put('onnx/model.onnx', ''), /cannot load .*model\.onnx: /],
    ['no ONNX', put('onnx/model.onnx', 'no ONNX'.repeat(99)), /cannot load .*model\.onnx: /],
    ['a folder', folder('onnx/model.onnx'), /model\.onnx: it is a folder/],
    ['/dev/zero', linked('onnx/model.onnx', '/dev/zero'), /model\.onnx: it is a device/],
    ['weights in a pipe', fifo('onnx/model.onnx_data'), /model\.onnx_data: it is a device or a pipe/],
    ['no input for tokens', onnx('input_ids', 'inqut_ids'), /model\.onnx cannot be run: /],
    ['no logits', onnx('logits', 'lagits'), /model\.onnx cannot be run: /],
    ['a cache that it does not give', onnx('present.0.key', 'prezent.0.key'), /model\.onnx cannot be run: /],
    ['a text for a number', says('n_positions', '512'), /"n_positions": /],
    ['an object for a number', says('vocab_size', {}), /"vocab_size": /],
    ['another kind of model', says('model_type', 't5'), /Unsupported model type: t5/],
    ['no kind of model', says('model_type', '__proto__'), /Unsupported model type/],
    ['settings that are none', says('transformers.js_config', 7), /"transformers\.js_config": /],
    [
      'weights that are not there',
      says('transformers.js_config', { use_external_data_format: 2 }),
      /onnx\/model\.onnx_data, which is not there/,
    ],
  ];
  it.each(cases)('with %s', async (_what, change, line) => {
    spoil('instruct', change);
    await refused(commands.rank!, line);
  });

  it.runIf(hasShared)('with the shared config.json', async () => {
    spoil('instruct', (path) => cpSync(shared('hostile/config-external-data.json'), path('config.json')));
    await refused(commands.rank!, /./);
  });
});
