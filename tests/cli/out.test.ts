// What --out may be: a command deletes nothing that is not its own, and says so before it computes.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { contextsTable, readContexts, targetsTable } from '../../src/pipeline/tables.js';
import { hashPath } from '../../src/store/hash.js';
import { readTable, writeTable } from '../../src/store/tables.js';
import { buildOnce, cli, type Finished, filesBelow, killed } from '../helpers/cli.js';
import { inProcess } from '../helpers/in-process.js';
import writeTinyModels from '../helpers/tiny-models.js';
import { scratchFolder } from '../store/folder.js';

const dir = scratchFolder();
const models = join(dir, 'models');
const own = '{"context": "a", "output": "b"}\n{"context": "c", "output": "d"}\n';

beforeAll(async () => {
  buildOnce();
  await writeTinyModels(models);
}, 180_000);

/** A folder of somebody's: data, a model of another program, notes. */
function workplace(): string {
  const cwd = mkdtempSync(join(dir, 'cwd-'));
  writeFileSync(join(cwd, 'own.jsonl'), own);
  for (const name of ['base', 'x.checkpoint']) {
    mkdirSync(join(cwd, name));
    writeFileSync(join(cwd, name, 'config.json'), '{}');
  }
  return cwd;
}

function expectOneLine({ code, stdout, stderr }: Finished, line: RegExp): void {
  expect(stderr).toMatch(/^error: .*\n$/);
  expect(stderr).toMatch(line);
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
}

const finetune = ['finetune', '--contexts', 'c.arrow', '--targets', 't.arrow', '--quiet'];
const rl = ['rl', '--contexts', 'c.arrow', '--reward-model', 'base', '--quiet'];
const [foreign, other] = [
  /would be replaced, and holds \S+, which this program did not mark/,
  /holds other files/,
];

describe("somebody's files", () => {
  const cases: [name: string, words: string[], line: RegExp][] = [
    ['finetune --out .', [...finetune, '--out', '.'], foreign],
    [
      'finetune --out MODEL',
      [...finetune, '--out', 'base'],
      /base would be replaced, and holds config\.json,/,
    ],
    ['finetune --out ..', [...finetune, '--out', '..'], foreign],
    ['reward-model --out .', ['reward-model', '--out', '.', '--comparisons', 'own.jsonl'], foreign],
    ['rl --out .', [...rl, '--out', '.'], foreign],
    ['rl whose checkpoint would be there', [...rl, '--out', 'x'], /x\.checkpoint would be replaced/],
    ['pretrain --out .', ['pretrain', '--out', '.', '--work', 'work', '--quiet'], foreign],
    ['pretrain --work .', ['pretrain', '--out', 'out', '--work', '.', '--quiet'], foreign],
    ['pretrain into its own checkpoints', ['pretrain', '--out', 'w', '--work', 'w', '--quiet'], /are both/],
    ['experiment --out .', ['experiment', '--quick', '--out', '.', '--quiet'], other],
    ['--run .', ['--run', '.', '--quiet'], other],
    ['a folder for a device', [...finetune, '--out', '/dev/null'], /\/dev\/null is no folder/],
    ['a folder for a file', [...finetune, '--out', 'own.jsonl'], /own\.jsonl is no folder/],
    ['a file for a folder', ['contexts', '--out', '.'], /is a folder; give the name of a file/],
    ['a table over its own data', ['contexts', '--data', 'own.jsonl', '--out', 'own.jsonl'], /is read, too/],
    [
      'a table over a table that is read',
      ['targets', '--contexts', 'own.jsonl', '--out', 'own.jsonl'],
      /is read/,
    ],
    [
      'a table over a model that is read',
      ['generate', '--contexts', 'c.arrow', '--model', 'base', '--out', 'base/config.json', '--quiet'],
      /base.config\.json would be replaced, and is read, too/,
    ],
    [
      'a report over its own texts',
      ['kl', '--model', 'base', '--data', 'kl.json', '--out', '.'],
      /kl\.json would/,
    ],
  ];
  it.each(cases)('stay: %s', async (_name, words, line) => {
    const cwd = workplace();
    writeFileSync(join(cwd, 'kl.json'), own);
    const before = await hashPath(cwd);
    expectOneLine(await inProcess(words, { cwd }), line);
    expect(await hashPath(cwd)).toBe(before);
  });

  it('and so do the embedded models, and a model that is tuned', async () => {
    const cwd = workplace();
    const embedded = join(import.meta.dirname, '..', '..', 'models', 'base');
    const before = await hashPath(embedded);
    for (const words of [finetune, [...finetune, '--model', 'base']])
      expectOneLine(
        await inProcess([...words, '--out', embedded], { cwd }),
        /which is read; choose another folder/,
      );
    expect(await hashPath(embedded)).toBe(before);
  });
});

describe.runIf(process.platform === 'linux')('where nothing can be written', () => {
  const cases: [name: string, words: string[]][] = [
    ['a table', ['contexts', '--out', '/proc/x/y.arrow']],
    ['a model', [...finetune, '--out', '/proc/x']],
    ['a run', ['--run', '/proc/x', '--quiet']],
    ['an experiment', ['experiment', '--quick', '--out', '/proc/x', '--quiet']],
    ['checkpoints', ['pretrain', '--out', 'out', '--work', '/proc/x', '--quiet']],
  ];
  it.each(cases)('%s is one line', async (_name, words) => {
    const cwd = workplace();
    const before = await hashPath(cwd);
    expectOneLine(await inProcess(words, { cwd }), /cannot make the folder|nothing can be written to \/proc/);
    expect(await hashPath(cwd)).toBe(before);
  });
});

describe('a file that is none', () => {
  const words = ['contexts', '--count', '3', '--out'];

  it.skipIf(process.platform === 'win32')(
    'is written through: a device, a pipe, standard output',
    async () => {
      const cwd = workplace();
      expect(await inProcess([...words, '/dev/null'], { cwd })).toMatchObject({ code: 0, stderr: '' });
      expect(statSync('/dev/null').isCharacterDevice()).toBe(true);

      const fifo = join(cwd, 'fifo');
      execFileSync('mkfifo', [fifo]);
      const [bytes] = await Promise.all([readFile(fifo), inProcess([...words, 'fifo'], { cwd })]);
      expect((await inProcess([...words, 'plain.arrow'], { cwd })).code).toBe(0);
      expect(bytes.equals(readFileSync(join(cwd, 'plain.arrow')))).toBe(true);
      expect(statSync(fifo).isFIFO()).toBe(true);

      const piped = await cli([...words, '/dev/stdout'], { cwd, shell: 'exec > >(cat)' });
      expect(piped).toMatchObject({ code: 0, stderr: '' });
      expect(piped.stdout).toBe(bytes.toString('utf8'));
    },
  );

  it.runIf(process.platform === 'linux')('and a full one is named', async () => {
    expectOneLine(
      await inProcess([...words, '/dev/full'], { cwd: workplace() }),
      /^error: cannot write \/dev\/full: no space left on the device/,
    );
  });
});

describe('finetune', () => {
  const cwd = () => join(dir, 'tuning');
  const words = ['--model', join(models, 'base'), '--out', 'tuned'];

  beforeAll(async () => {
    mkdirSync(cwd());
    expect((await inProcess(['contexts', '--count', '8', '--out', 'c.arrow'], { cwd: cwd() })).code).toBe(0);
    const contexts = await readContexts(join(cwd(), 'c.arrow'));
    const rows = contexts.map(({ id }) => ({
      context: id,
      text: 'short',
      ids: [],
      tokenizer: '',
      weight: 1,
    }));
    await writeTable(join(cwd(), 't.arrow'), targetsTable, rows);
  });

  it.each(['tmp', 'new'])('killed with a .%s leaves nothing, once it is given again', async (ending) => {
    const left = () => readdirSync(cwd()).filter((name) => name.startsWith('.'));
    const env = { KILL_AT: `/\\.tuned\\..*\\.${ending}$` };
    expect(await cli([...finetune, ...words], { cwd: cwd(), env })).toEqual(killed);
    expect(left()).toEqual([expect.stringMatching(new RegExp(`^\\.tuned\\..*\\.${ending}$`))]);
    expect(await cli([...finetune, ...words], { cwd: cwd() })).toEqual({ code: 0, stdout: '', stderr: '' });
    expect(readdirSync(cwd()).sort()).toEqual(['c.arrow', 't.arrow', 'tuned']);
    expect(filesBelow(join(cwd(), 'tuned'))).toContain('model.safetensors');
    rmSync(join(cwd(), 'tuned'), { recursive: true });
  });

  it('killed between the two renames has its new model there, once anything is written beside it', async () => {
    expect((await inProcess([...finetune, ...words], { cwd: cwd() })).code).toBe(0);
    const before = await hashPath(join(cwd(), 'tuned'));
    const env = { KILL_AT: '\\.new$' };
    expect(await cli([...finetune, ...words, '--lr', '0.02'], { cwd: cwd(), env })).toEqual(killed);
    expect(readdirSync(cwd())).not.toContain('tuned');
    expect((await inProcess(['contexts', '--count', '8', '--out', 'c.arrow'], { cwd: cwd() })).code).toBe(0);
    expect(readdirSync(cwd()).sort()).toEqual(['c.arrow', 't.arrow', 'tuned']);
    expect(await hashPath(join(cwd(), 'tuned'))).not.toBe(before);
  });

  it('replaces its own result, but nothing that was put there, and not the model that it tunes', async () => {
    const before = await hashPath(join(cwd(), 'tuned'));
    const again = await inProcess([...finetune, ...words, '--lr', '1e-2'], { cwd: cwd() });
    expect(again).toEqual({ code: 0, stdout: '', stderr: '' });
    expect(await hashPath(join(cwd(), 'tuned'))).not.toBe(before);

    const itself = [...finetune, '--model', 'tuned', '--out', 'tuned'];
    expectOneLine(
      await inProcess(itself, { cwd: cwd() }),
      /tuned would be replaced, and holds .*, which is read/,
    );
    writeFileSync(join(cwd(), 'tuned', 'notes.md'), 'mine');
    expectOneLine(await inProcess([...finetune, ...words], { cwd: cwd() }), /holds notes\.md, which/);
    expect(readFileSync(join(cwd(), 'tuned', 'notes.md'), 'utf8')).toBe('mine');
    expect((await readTable(join(cwd(), 'c.arrow'), contextsTable)).length).toBe(8);
  });

  it('names the file that was asked for where the disk is full', async () => {
    const finished = await cli([...finetune, ...words.slice(0, 2), '--out', 'large'], {
      cwd: cwd(),
      shell: 'ulimit -f 100',
    });
    expectOneLine(
      finished,
      /^error: cannot write \S*\/tuning\/large\/\w+\.safetensors: the file would be larger/,
    );
    expect(readdirSync(cwd()).filter((name) => /large|^\./.test(name))).toEqual([]);
  });
});
