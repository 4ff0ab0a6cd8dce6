// The commands rl and best-of-n in processes of their own, with tiny models.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { bestOfNTable, rlTable } from '../../src/pipeline/tables.js';
import { readTable } from '../../src/store/tables.js';
import { buildOnce, cli, filesBelow, killed } from '../helpers/cli.js';
import { inProcess } from '../helpers/in-process.js';
import writeTinyModels from '../helpers/tiny-models.js';
import { scratchFolder } from '../store/folder.js';

const dir = scratchFolder();
const at = (name: string) => join(dir, name);
const models = ['--base', at('base'), '--model', at('base'), '--reward-model', at('instruct')];
const given = ['--contexts', at('contexts.arrow'), ...models, '--max-tokens', '6', '--seed', '3', '--quiet'];
const run = (words: readonly string[], env: Record<string, string> = {}) => cli(words, { cwd: dir, env });

// A busy machine needs its time.
vi.setConfig({ testTimeout: 120_000 });

beforeAll(async () => {
  buildOnce();
  await writeTinyModels(dir);
  const made = await run(['contexts', '--count', '4', '--out', at('contexts.arrow')]);
  expect(made).toMatchObject({ code: 0, stderr: '' });
}, 180_000);

describe('rl', () => {
  const words = (out: string) => [
    'rl',
    ...given,
    '--steps',
    '40',
    '--prompts',
    '2',
    '-n',
    '3',
    '--lr',
    '1e-3',
    '--out',
    at(out),
  ];

  it('that is killed goes on from its checkpoint to the same bytes as an undisturbed one', async () => {
    const whole = await run([...words('whole'), '--log', at('log.arrow')]);
    expect(whole).toEqual({ code: 0, stdout: '', stderr: '' });
    const log = await readTable(at('log.arrow'), rlTable);
    expect(log.map(({ step }) => step)).toEqual(Array.from({ length: 40 }, (_, i) => i + 1));
    expect(log[0]!.kl).toBe(0);
    expect(filesBelow(at('whole'))).toEqual(
      expect.arrayContaining(['log.arrow', 'model.safetensors', 'optimizer.safetensors', 'tokenizer.json']),
    );

    expect(await run(words('killed'), { KILL_AFTER: '/killed\\.checkpoint$' })).toEqual(killed);
    expect(existsSync(at('killed'))).toBe(false);
    expect(await run(words('killed'))).toMatchObject({ code: 0, stderr: '' });
    expect(filesBelow(at('killed'))).toEqual(filesBelow(at('whole')));
    for (const file of filesBelow(at('whole')))
      expect(readFileSync(join(at('killed'), file)).equals(readFileSync(join(at('whole'), file))), file).toBe(
        true,
      );
    expect(filesBelow(dir).filter((file) => /checkpoint|tmp|\.old/.test(file))).toEqual([]);
  });
});

describe('best-of-n', () => {
  const words = (out: string) => ['best-of-n', ...given, '-n', '6', '--out', at(out)];

  it('writes the scored texts and says what 1, 2, 4 and all of them give, the same for the same seed', async () => {
    const { code, stdout, stderr } = await run([...words('a.arrow'), '--json']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const rows = await readTable(at('a.arrow'), bestOfNTable);
    expect(rows).toHaveLength(4 * 6);
    const estimates = JSON.parse(stdout) as {
      n: number;
      reward: { value: number };
      kl: { value: number };
      klBound: number;
    }[];
    expect(estimates.map(({ n }) => n)).toEqual([1, 2, 4, 6]);
    expect(estimates[0]!.reward.value).toBeCloseTo(
      rows.reduce((sum, { reward }) => sum + reward / rows.length, 0),
      9,
    );
    estimates.forEach(({ reward, kl, klBound }, i) => {
      if (i > 0) expect(reward.value).toBeGreaterThan(estimates[i - 1]!.reward.value);
      expect(kl.value).toBeLessThanOrEqual(klBound + 1e-12);
    });

    const lines = await inProcess(words('b.arrow'), { cwd: dir });
    expect(lines.stdout).toMatch(
      /^best of 1: reward -?[\d.]+ \[.+\], KL 0\.0000 nats \(bound 0\.0000\), 4 contexts\n(best of .+\n){3}$/,
    );
    expect(readFileSync(at('b.arrow')).equals(readFileSync(at('a.arrow')))).toBe(true);
  });
});

describe('bad input is one line and status 2', () => {
  const cases: [name: string, words: string[], line: RegExp][] = [
    ['no reward model', ['rl', '--contexts', 'c', '--out', 'o'], /Missing required argument: reward-model/],
    [
      'one sample',
      ['rl', ...given, '--out', 'o', '-n', '1'],
      /--samples must be one number, whole, 2 or more/,
    ],
    [
      'a negative beta',
      ['rl', ...given, '--out', 'o', '--beta', '-1'],
      /--beta must be one number, 0 or more/,
    ],
    [
      'a reward model that is not there',
      ['rl', ...given.slice(0, 6), '--reward-model', 'none', '--out', 'o', '--quiet'],
      /no model folder .*none/,
    ],
    [
      'more tokens than fit',
      ['rl', ...given.slice(0, 8), '--max-tokens', '600', '--out', 'o', '--quiet'],
      /contexts? (is|are) too long .*context .*; the window of .* is 512 tokens/,
    ],
    [
      'no table of contexts',
      ['best-of-n', '--contexts', 'none.arrow', ...models, '--out', 'o'],
      /cannot read .*none.arrow: no such file or folder/,
    ],
  ];
  it.each(cases)('%s', async (_name, words, line) => {
    const { code, stdout, stderr } = await inProcess(words, { cwd: dir });
    expect(stderr).toMatch(/^error: .*\n$/);
    expect(stderr).toMatch(line);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(existsSync(at('o'))).toBe(false);
  });
});
