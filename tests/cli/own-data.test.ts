// People's own data through the real command line: sixty posts unlike the embedded world; lengths; what is measured by references.
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { buildOnce, cli, type Finished } from '../helpers/cli.js';
import { inProcess } from '../helpers/in-process.js';
import writeTinyModels from '../helpers/tiny-models.js';
import { scratchFolder } from '../store/folder.js';

const dir = scratchFolder();
const models = join(dir, 'models');
const sixty = fileURLToPath(new URL('sixty-posts.jsonl', import.meta.url));
const posts = readFileSync(sixty, 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as { context: string; output: string; feedback: string });

beforeAll(async () => {
  buildOnce();
  await writeTinyModels(models);
}, 180_000);
vi.setConfig({ testTimeout: 240_000 });

const workplace = () => mkdtempSync(join(dir, 'cwd-'));
function written(cwd: string, name: string, lines: readonly object[]): string {
  const path = join(cwd, name);
  writeFileSync(path, lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  return path;
}
const resultOf = (cwd: string) =>
  JSON.parse(readFileSync(join(cwd, 'run', 'result.json'), 'utf8')) as Record<string, unknown> & {
    caveats: { kind: string; says: string }[];
    options: Record<string, unknown>;
  };

/** What reports a success, or would be taken for one. */
const SUCCESS =
  /is better than|raised its|prefers the tuned|% incorporated|incorporated: \d|settles? every point/i;
const UNKNOWN = 'The models do not know such text';

describe('sixty posts of a person’s own, unlike the embedded world', () => {
  const small = ['--contexts', '4', '--samples', '2', '--max-tokens', '12', '--host', 'engine'].concat([
    '--quiet',
    '--run',
    'run',
    '--skip-too-long',
  ]);
  const variants: [name: string, lines: object[], start: typeof cli][] = [
    ['with outputs and feedback', posts, cli],
    ['contexts alone', posts.map(({ context }) => ({ context })), inProcess],
    ['with references', posts.map(({ context, output }) => ({ context, gold: output })), inProcess],
  ];

  it.each(variants)(
    '%s: that the models do not know them is said first, and no success',
    async (_name, lines, start) => {
      const cwd = workplace();
      const data = written(cwd, 'posts.jsonl', lines);
      const { code, stdout, stderr } = await start([...small, '--data', data], { cwd });
      expect([code, stderr.split('\n').slice(4).join('\n')]).toEqual([0, '']);
      // At the start, on standard error; first of all that is printed; in the headline; on the page; in result.json.
      const said = stderr.split('\n');
      expect(said[0]).toMatch(/^The models do not know such text: a token of the .* nats/);
      expect(said[1]).toMatch(/^Too few held-out contexts: 1\d, and of fewer than 30/);
      expect(said[2]).toMatch(/^No independent judge/);
      expect(said[3]).toMatch(
        /^left out as too long, 2 of 60 contexts: .*posts\.jsonl: lines 59 .*, 60 .*512 tokens$/,
      );
      const text = stdout.replace(/\s+/g, ' ');
      expect(text.startsWith(UNKNOWN)).toBe(true);
      expect(text).not.toMatch(SUCCESS);

      const result = resultOf(cwd);
      expect(result.caveats.map(({ kind }) => kind)).toEqual([
        'unknown text',
        'few contexts',
        'no independent judge',
      ]);
      expect(Object.keys(result)[0]).toBe('caveats');
      expect(result.incorporated).toBeUndefined();
      expect(result.judgeProbability).toBeDefined();
      const [base] = result.familiarity as {
        roles: string[];
        known: boolean;
        given: { value: number };
        own: { value: number };
      }[];
      expect(base).toMatchObject({ roles: ['base'], known: false });
      expect(base!.given.value - base!.own.value).toBeGreaterThan(5);

      const html = readFileSync(join(cwd, 'run', 'report.html'), 'utf8');
      const page = html.replace(/<style.*?<\/style>|<[^>]+>/gs, ' ').replace(/\s+/g, ' ');
      expect(html).toMatch(/id="verdict">The models do not know such text/);
      expect(page).not.toMatch(SUCCESS);
      expect(page).toContain('the opinion of a judge that does not know such text');

      // What was used, not what was asked for.
      expect(result.options).toMatchObject({ contexts: 4, skipTooLong: true });
      const manifest = JSON.parse(readFileSync(join(cwd, 'run', 'manifest.json'), 'utf8')) as typeof result;
      expect(manifest.options.heldout).toBe(result.options.heldout);
      expect(result.options.heldout).toBeLessThanOrEqual(12);

      if ('gold' in lines[0]!) {
        const { score, winRate } = result as { score?: object; winRate?: object };
        expect(Object.keys(winRate!)).toEqual(['tunedVsBase', 'tunedVsGold', 'baseVsGold']);
        expect(Object.keys(score!)).toEqual(['base', 'tuned', 'tunedMinusBase']);
        expect(result.scorer).toBe('F1 of ROUGE-L against the reference');
        expect(stdout).toContain('Gold');
      }
      if ('output' in lines[0]!) expect(stdout).toMatch(/^The output that came with it$/m);
      else expect(stdout).toMatch(/^Base model, the output that the feedback is on( \(score .*\))?$/m);
      expect(stdout).not.toMatch(/^(Before|After)$/m);
    },
  );

  it('all that are too long are named at once, with their lines', async () => {
    const { code, stdout, stderr } = await inProcess(['--data', sixty, '--quiet'], { cwd: workplace() });
    expect(stderr).toMatch(
      /^error: 2 of 60 contexts are too long .*sixty-posts\.jsonl: lines 59 \(\d+ tokens\), 60 \(\d+ tokens\); the window of .*instruct is 512 tokens; .*--skip-too-long\n$/,
    );
    expect([code, stdout]).toEqual([2, '']);
  });
});

describe('texts that are too long for a command', () => {
  const tiny = join(dir, 'models', 'base');
  const context = (n: number) => 'the poster asks whether to pay '.repeat(n);
  const lines = [1, 900, 2, 800, 3].map((n) => ({ context: context(n), output: 'x', feedback: 'Say more.' }));
  const expectRefused = ({ code, stderr }: Finished, line: RegExp) => {
    expect(stderr).toMatch(/^error: [^\n]*\n$/);
    expect(stderr).toMatch(line);
    expect(code).toBe(2);
  };

  it('each step names all of them, and leaves them out where that is asked for', async () => {
    const cwd = workplace();
    const data = written(cwd, 'own.jsonl', [
      ...lines,
      ...lines.map((of) => ({ ...of, context: `now ${of.context}` })),
    ]);
    const step = (...words: string[]) => inProcess([...words, '--data', data], { cwd });
    const ok = async (...words: string[]) => {
      const { code, stderr } = await step(...words);
      expect([code, stderr]).toEqual([0, expect.anything()]);
      return stderr;
    };
    await ok('contexts', '--out', 'c.arrow');
    const generate = ['generate', '--contexts', 'c.arrow', '--model', tiny, '--quiet', '--out', 'i.arrow'];
    expectRefused(
      await step(...generate),
      /^error: \d of 8 contexts are too long .*context \d+ \(\d+ tokens\), context \d+ .*; the window of .*base is 512 tokens/,
    );
    const left = await ok(...generate, '--skip-too-long');
    expect(left).toMatch(/^left out as too long, \d of 8 contexts: context \d+/);
    const skipping = ['--skip-too-long', '--quiet'];
    const instruct = ['--instruct', join(models, 'instruct')];
    const tables = ['--contexts', 'c.arrow', '--initial', 'i.arrow'];
    expectRefused(
      await step('feedback', ...tables, ...instruct, '--quiet', '--out', 'f.arrow'),
      /i\.arrow has no row for context/,
    );
    await ok('feedback', ...tables, ...instruct, ...skipping, '--out', 'f.arrow');
    const more = [...tables, '--feedback', 'f.arrow'];
    await ok(
      'refine',
      ...more,
      ...instruct,
      '--base',
      tiny,
      ...skipping,
      '-n',
      '2',
      '--max-tokens',
      '8',
      '--out',
      'r.arrow',
    );
    const ranked = [...more, '--refinements', 'r.arrow'];
    await ok('rank', ...ranked, ...instruct, '--host', 'engine', ...skipping, '--out', 's.arrow');
    await ok('targets', ...ranked, '--scores', 's.arrow', '--out', 't.arrow');
    await ok(
      'finetune',
      '--contexts',
      'c.arrow',
      '--targets',
      't.arrow',
      '--model',
      tiny,
      ...skipping,
      '--out',
      'tuned',
    );
    // Gold targets of a context that is too long, as some table may have them.
    const gold = written(
      cwd,
      'gold.jsonl',
      lines.map((of) => ({ ...of, gold: 'g' })),
    );
    const golden = (...words: string[]) => inProcess([...words, '--data', gold], { cwd });
    await golden('contexts', '--out', 'g.arrow');
    await golden('targets', '--kind', 'gold', '--contexts', 'g.arrow', '--out', 'gt.arrow');
    const finetune = [
      'finetune',
      '--contexts',
      'g.arrow',
      '--targets',
      'gt.arrow',
      '--model',
      tiny,
      '--quiet',
      '--out',
      'tuned-2',
    ];
    expectRefused(await golden(...finetune), /^error: \d of 4 targets (is|are) too long/);
    expect(await golden(...finetune, '--skip-too-long')).toMatchObject({ code: 0 });
  });

  it('score, kl and reward-model by lines', async () => {
    const cwd = workplace();
    const long = context(900);
    const data = written(cwd, 'texts.jsonl', [
      { prompt: 'a', completion: ' b' },
      { prompt: long, completion: ' b' },
      { prompt: 'a', completion: long },
      { prompt: 'the', completion: ' poster' },
    ]);
    const score = ['score', '--model', tiny, '--data', data, '--json', '--quiet'];
    const listed =
      /2 of 4 lines are too long .*texts\.jsonl: lines 2 \(\d+ tokens\), 3 \(\d+ tokens\); the window of .*base is 512/;
    expectRefused(await inProcess(score, { cwd }), listed);
    const { stdout, stderr, code } = await inProcess([...score, '--skip-too-long'], { cwd });
    expect([code, stderr]).toEqual([
      0,
      expect.stringMatching(/^left out as too long, 2 of 4 lines: .*: lines 2 .*, 3 /),
    ]);
    expect(
      stdout
        .trim()
        .split('\n')
        .map((line) => (JSON.parse(line) as { line: number }).line),
    ).toEqual([1, 4]);
    const kl = ['kl', '--model', tiny, '--base', tiny, '--data', data, '--json', '--quiet', '--out', 'kl'];
    expectRefused(await inProcess(kl, { cwd }), listed);
    const compared = await inProcess([...kl, '--skip-too-long'], { cwd });
    expect(compared).toMatchObject({
      code: 0,
      stderr: expect.stringMatching(/^left out as too long, 2 of 4/),
    });

    const pairs = written(cwd, 'pairs.jsonl', [
      { context: 'the poster asks', chosen: 'x', rejected: 'y' },
      { context: long, chosen: 'x', rejected: 'y' },
    ]);
    const reward = [
      'reward-model',
      '--comparisons',
      pairs,
      '--instruct',
      join(models, 'instruct'),
      '--quiet',
      '--out',
      'rm',
    ];
    expectRefused(await inProcess(reward, { cwd }), /1 of 2 comparisons is too long .*pairs\.jsonl: line 2 /);
    // That a model does not know the text is said.
    const saying = (model: string) =>
      expect.stringMatching(
        new RegExp(
          `^left out as too long[^\n]*\n${UNKNOWN}: a token of the contexts costs ${model} [^\n]*\n$`,
        ),
      );
    expect(await inProcess([...reward, '--skip-too-long'], { cwd })).toMatchObject({
      code: 0,
      stderr: saying('instruct \\(instruct\\)'),
    });

    // RL and best-of-n read a table of contexts.
    const own = written(cwd, 'own.jsonl', [...lines, { context: 'now' }, { context: 'then' }]);
    await inProcess(['contexts', '--data', own, '--out', 'c.arrow'], { cwd });
    const of = [
      '--contexts',
      'c.arrow',
      '--reward-model',
      'rm',
      '--model',
      tiny,
      '--base',
      tiny,
      '--quiet',
      '--max-tokens',
      '4',
    ];
    for (const [role, words] of [
      ['base', ['rl', ...of, '--steps', '1', '--prompts', '2', '--samples', '2', '--out', 'rl']],
      ['model', ['best-of-n', ...of, '-n', '2', '--out', 'best.arrow']],
    ] as const) {
      expectRefused(
        await inProcess(words, { cwd }),
        /^error: \d of \d contexts (is|are) too long .*context \d/,
      );
      expect(await inProcess([...words, '--skip-too-long'], { cwd })).toMatchObject({
        code: 0,
        stderr: saying(`base \\(${role}\\)`),
      });
    }
  });
});

it('kl prompts contexts as the task of own files does, whose contexts it does not need', async () => {
  const cwd = workplace();
  const data = written(cwd, 'own.jsonl', [{ context: 'the poster asks', id: 3, extra: 1, output: null }]);
  const tiny = join(models, 'base');
  const words = [
    'kl',
    '--task',
    'file',
    '--model',
    tiny,
    '--base',
    tiny,
    '--data',
    data,
    '--quiet',
    '--json',
    '--out',
    'kl',
  ];
  expect(await inProcess([...words, '--max-tokens', '4'], { cwd })).toMatchObject({ code: 0, stderr: '' });
});
