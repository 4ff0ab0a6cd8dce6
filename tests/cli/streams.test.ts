// What comes in by pipes, and what happens where standard output or error is full, closed, or a terminal that obeys.
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { buildOnce, cli } from '../helpers/cli.js';
import { inProcess } from '../helpers/in-process.js';
import { hasShared, shared } from '../helpers/shared.js';
import writeTinyModels from '../helpers/tiny-models.js';
import { scratchFolder } from '../store/folder.js';

const dir = scratchFolder();
const at = (name: string) => join(dir, name);
const program = join(dirname(fileURLToPath(import.meta.url)), '..', '..', 'train.js');
const esc = '\u001b';

// A busy machine needs its time.
vi.setConfig({ testTimeout: 120_000 });

const inIds = (n: number) => '{"prompt_ids":[1,2],"completion_ids":[3,4,5]}\n'.repeat(n);
const score = ['score', '--model', 'base', '--quiet', '--data'];
const run = (words: string[]) => inProcess(words, { cwd: dir });

/** The same under a shell that first does `shell`: redirects, makes pipes. */
const under = (shell: string, words: string[]) => cli(words, { cwd: dir, shell });

beforeAll(async () => {
  buildOnce();
  await writeTinyModels(dir);
  writeFileSync(at('ids.jsonl'), inIds(3));
  writeFileSync(at('texts.jsonl'), '{"prompt":"Hi all,","completion":" Maria hosts"}\n'.repeat(3));
}, 180_000);

describe('a file that can be read only once', () => {
  it.each([
    ['a pipe', 'exec 7< <(cat texts.jsonl)', '/dev/fd/7'],
    ['standard input', 'exec < <(cat texts.jsonl)', '/dev/stdin'],
    ['a FIFO', 'mkfifo fifo; (cat texts.jsonl > fifo) & true', 'fifo'],
  ])('score reads %s', async (_what, shell, path) => {
    const { code, stdout, stderr } = await under(shell, [...score, path]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout.split('\n')).toHaveLength(4);
  });

  it('score reads standard input that is a socket, as programs give it', async () => {
    const child = spawn(process.execPath, [program, ...score, '/dev/stdin'], { cwd: dir });
    child.stdin.end(inIds(3));
    let stdout = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    const code = await new Promise((resolve) => child.on('close', resolve));
    expect(code).toBe(0);
    expect(stdout.split('\n')).toHaveLength(4);
  });

  it('a run reads its data once: they may come through a pipe', async () => {
    const posts = ['Dana', 'James', 'Nick', 'Carl'].map((name) => `{"context":"${name} owes rent."}\n`);
    writeFileSync(at('posts.jsonl'), posts.join(''));
    const loop = ['--base', 'base', '--instruct', 'instruct', '--host', 'engine', '--max-tokens', '4'];
    const small = ['--contexts', '2', '--heldout', '1', '--samples', '2', '--run', 'piped', '--json'];
    const words = ['--data', '/dev/stdin', ...loop, ...small, '--quiet'];
    const { code, stdout, stderr } = await under('exec < <(cat posts.jsonl)', words);
    expect(stderr).not.toMatch(/^error/m);
    expect(code).toBe(0);
    expect(JSON.parse(stdout).options).toMatchObject({ contexts: 2, heldout: 1 });
  });

  it('kl and the comparisons of reward-model read a pipe, too', async () => {
    const kl = ['kl', '--model', 'base', '--base', 'base', '--data', '/dev/stdin', '--out', 'kl', '--json'];
    const compared = await under('exec < <(cat texts.jsonl)', [...kl, '--quiet']);
    expect(compared).toMatchObject({ code: 0, stderr: '' });
    expect(JSON.parse(compared.stdout).given.texts).toBe(3);
    writeFileSync(at('pairs.jsonl'), '{"context":"A post.","chosen":"good","rejected":"bad"}\n');
    const model = ['reward-model', '--instruct', 'instruct', '--comparisons', '/dev/stdin', '--out', 'rm'];
    const trained = await under('exec < <(cat pairs.jsonl)', [...model, '--quiet']);
    // A post of two words, to a model that learned nothing.
    expect(trained).toMatchObject({
      code: 0,
      stderr: expect.stringMatching(/^The models do not know such text.*\n$/),
    });
  });

  it('a line without an end is refused, not held', async () => {
    const { code, stdout, stderr } = await run([...score, '/dev/zero']);
    expect(stderr).toBe('error: /dev/zero:1: the line has more than 16777216 bytes\n');
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  });

  it.skipIf(!hasShared)('score reads the texts of the issue', async () => {
    const { code, stdout } = await under(`exec < <(cat '${shared('pipe-texts.jsonl')}')`, [
      ...score,
      '/dev/stdin',
    ]);
    expect(code).toBe(0);
    expect(stdout.split('\n')).toHaveLength(4);
  });
});

describe('standard output and standard error', () => {
  it.each([
    ['score', [...score, 'ids.jsonl']],
    ['help', ['--help']],
  ])('full: %s ends in one line', async (_what, words) => {
    const { code, stderr } = await under('exec > /dev/full', words);
    expect(stderr).toMatch(/^error: cannot write to standard output: no space left on the device.*\n$/);
    expect(code).toBe(2);
  });

  it('a reader that goes away is no error', async () => {
    writeFileSync(at('many.jsonl'), inIds(3000));
    const finished = await under('exec > >(head -n 1 > head)', [...score, 'many.jsonl', '--json']);
    expect(finished).toMatchObject({ code: 0, stderr: '' });
    expect(readFileSync(at('head'), 'utf8')).toMatch(/^\{"logprobs":\[.*\]\}\n$/);
  });

  it.each([
    ['closed', 'exec 2> >(true)'],
    ['full', 'exec 2> /dev/full'],
  ])('standard error that is %s changes nothing', async (_what, shell) => {
    // A module that tells of its progress there, and then is found to be no ranker.
    const line = "process.stderr.write('on\\n'); await new Promise((resolve) => setTimeout(resolve, 20));\n";
    writeFileSync(at('tells.js'), line.repeat(5));
    expect((await under(shell, ['--ranker', './tells.js'])).code).toBe(2);
  });
});

describe('a terminal is sent nothing that it would obey', () => {
  const names = `a${esc}[2J${esc}]0;t\u0007\u009b31m\u0085\u202eb\u2066\u007f`;
  const obeyed = /[\p{Cc}\u202a-\u202e\u2066-\u2069]/u;

  it.each([
    ['an option', [`--${names}`]],
    ['a value', ['--task', names]],
    ['a choice', ['--engine', names]],
    ['a path', [...score, `${names}.jsonl`]],
    ['a folder', ['score', '--model', names, '--data', 'ids.jsonl']],
  ])('%s', async (_what, words) => {
    const { code, stderr } = await run(words);
    expect(code).toBe(2);
    expect(stderr).toMatch(/^error: .*a(␛|\\u001b)\[2J.*;t(␇|\\u0007)\ufffd31m/);
    expect(stderr.trimEnd()).not.toMatch(obeyed);
  });

  it.each([
    ['a key', JSON.stringify({ prompt: 'a', completion: 'b', [names]: 1 })],
    ['no JSON', `{"prompt": ${esc}[2J`],
  ])('in a file: %s', async (_what, line) => {
    writeFileSync(at('hostile.jsonl'), line);
    const { code, stderr } = await run([...score, 'hostile.jsonl']);
    expect(code).toBe(2);
    expect(stderr).toMatch(/^error: .*hostile\.jsonl:1: .*␛\[2J/);
    expect(stderr.trimEnd()).not.toMatch(obeyed);
  });

  it('in a tensor of a model', async () => {
    const model = at('tensor');
    mkdirSync(model);
    const header = Buffer.from(JSON.stringify({ [names]: { dtype: 'F8', shape: [], data_offsets: [0, 1] } }));
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(header.length));
    writeFileSync(join(model, 'model.safetensors'), Buffer.concat([length, header, Buffer.alloc(1)]));
    writeFileSync(join(model, 'config.json'), readFileSync(at('base/config.json')));
    const { code, stderr } = await run(['score', '--model', model, '--data', 'ids.jsonl']);
    expect(code).toBe(2);
    expect(stderr.trimEnd()).not.toMatch(obeyed);
  });

  it.skipIf(!hasShared)('in the data of the issue', async () => {
    const { code, stderr } = await run(['--data', shared('hostile/esc.jsonl')]);
    expect(stderr).toMatch(/^error: .*esc\.jsonl: 1 context; .*␛\]0;PWNED␇.*\n$/);
    expect(code).toBe(2);
  });

  it.each([
    ['an option', (name: string) => [`--${name}`], /Unknown argument: a+…a+; /],
    ['a path', (name: string) => [...score, name], /cannot read .*a…a.*: the name is too long\n/],
    ['words', (name: string) => [...score, name.replaceAll('aa', 'a ')], /cannot read .*…/],
  ])('a name of 100,000 characters is cut in the middle: %s', async (_what, words, line) => {
    const { code, stderr } = await run(words('a'.repeat(100_000)));
    expect(stderr).toMatch(line);
    expect(stderr.length).toBeLessThan(900);
    expect(code).toBe(2);
  });
});

describe('JSON that is nested without end is one line', () => {
  const deep = (open: string, close: string, n: number) => open.repeat(n) + close.repeat(n);
  const manifest = (options: string) => `{"version":"1","seeds":{},"steps":{},"options":{"a":${options}}}`;

  it.each([
    ['manifest.json, objects', manifest(deep('{"a":', '}', 3000).replace('}', '1}'))],
    ['manifest.json, arrays', manifest(deep('[', ']', 5000))],
    ['manifest.json, a million of them', manifest(deep('[', ']', 1_000_000))],
  ])('%s', async (_what, text) => {
    const folder = mkdtempSync(at('run-'));
    writeFileSync(join(folder, 'manifest.json'), text);
    const { code, stderr } = await run(['--run', folder]);
    expect(stderr).toMatch(/^error: cannot read .*manifest\.json: it is nested more than 100 levels deep\n$/);
    expect(code).toBe(2);
  });

  it('a line of JSONL, config.json', async () => {
    writeFileSync(at('deep.jsonl'), `${inIds(1)}{"prompt":${deep('[', ']', 9000)}}\n`);
    expect(await run([...score, 'deep.jsonl'])).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/^error: .*deep\.jsonl:2: it is nested more than 100 levels deep\n$/),
    });
    mkdirSync(at('deep'));
    writeFileSync(at('deep/config.json'), `{"model_type":"gpt2","a":${deep('[', ']', 9000)}}`);
    writeFileSync(at('deep/model.safetensors'), '');
    expect(await run(['score', '--model', 'deep', '--data', 'ids.jsonl'])).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/^error: cannot read .*config\.json: it is nested more than 100/),
    });
  });

  it.skipIf(!hasShared)('the manifest of the issue', async () => {
    const folder = mkdtempSync(at('run-'));
    writeFileSync(join(folder, 'manifest.json'), readFileSync(shared('hostile/manifest-deep-11kB.json')));
    const { code, stderr } = await run(['--run', folder]);
    expect(stderr).toMatch(/^error: cannot read .*manifest\.json: it is nested .*\n$/);
    expect(code).toBe(2);
  });
});

describe('the environment and --threads', () => {
  it.each([
    ['ILF_THREADS', 'abc'],
    ['ILF_THREADS', '0'],
    ['ILF_THREADS', '-1'],
    ['ILF_THREADS', '1.5'],
    ['ILF_THREADS', '100000'],
    ['ILF_ISA', 'bogus'],
    ['ILF_ISA', 'avx4096'],
    ['ILF_CUDA_EMULATED', 'yes'],
    ['ILF_CUDA_OVERLAP', 'off'],
    ['ILF_CUDA_GRAPHS', '2'],
    ['ILF_CUDA_BLAS', 'mkl'],
    ['ILF_CUDA_HOPPER', 'on'],
    ['ILF_CUBLASLT', '/nothing/here'],
  ])('%s=%s is one line', async (name, value) => {
    vi.stubEnv(name, value);
    try {
      for (const words of [[...score, 'ids.jsonl'], ['doctor']]) {
        // Which instruction sets there are is asked of the engine.
        if (words[0] === 'doctor' && value === 'avx4096') continue;
        const { code, stdout, stderr } = await run(words);
        expect(stderr).toMatch(/^error: .*; or unset it\n$/);
        expect(stderr).toContain(`${name}=${value} in the environment: `);
        expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
      }
    } finally {
      vi.unstubAllEnvs();
    }
  });

  it('an empty variable is as none', async () => {
    vi.stubEnv('ILF_ISA', '');
    vi.stubEnv('ILF_CUBLASLT', '');
    try {
      expect(await run([...score, 'ids.jsonl'])).toMatchObject({ code: 0, stderr: '' });
    } finally {
      vi.unstubAllEnvs();
    }
  });

  it.each(['0', '100000', '1.5', 'all'])('--threads %s is one line', async (threads) => {
    const { code, stderr } = await run([...score, 'ids.jsonl', '--threads', threads]);
    expect(stderr).toMatch(/^error: --threads must be one number, whole, from 1 to 1024.*\n$/);
    expect(code).toBe(2);
  });
});

describe('a signal', () => {
  const words = ['--base', 'base', '--instruct', 'instruct', '--contexts', '6', '--heldout', '4']
    .concat(['--samples', '2', '--max-tokens', '6', '--quiet'])
    .concat('--run');

  it.each(['SIGINT', 'SIGTERM'] as const)('%s ends a run at once, which goes on when asked', async (name) => {
    const child = spawn(process.execPath, [program, ...words, name], { cwd: dir });
    let said = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
    const watch = setInterval(() => existsSync(at(`${name}/round-1`)) && child.kill(name), 2);
    // What a shell calls the status 128 + the signal's number: 130 and 143.
    const ended = await new Promise((resolve) => child.on('close', (_code, signal) => resolve(signal)));
    clearInterval(watch);
    expect({ ended, said }).toEqual({ ended: name, said: '' });
    expect(existsSync(at(`${name}/result.json`))).toBe(false);
    expect(await run([...words, name])).toMatchObject({ code: 0, stderr: '' });
    expect(existsSync(at(`${name}/result.json`))).toBe(true);
  });
});
