// The command pretrain in a process of its own, with a recipe of seconds: what it writes, and that a kill changes nothing.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { loadTokenizer } from '../../src/text/tokenizer.js';
import { buildOnce, cli, filesBelow, hook, killed } from '../helpers/cli.js';
import { scratchFolder } from '../store/folder.js';

const dir = scratchFolder();
const at = (...path: string[]) => join(dir, ...path);
const pretrain = (name: string, env: Record<string, string> = {}) =>
  cli(['pretrain', '--out', at(name, 'out'), '--work', at(name, 'work'), '--quiet'], {
    cwd: dir,
    hooks: [hook('tiny-recipe')],
    env,
  });
const done = { code: 0, stdout: '', stderr: '' };

/** A line for each step, but for how fast it was. */
const logOf = (path: string) =>
  readFileSync(path, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => {
      const { tokensPerSecond, ...rest } = JSON.parse(line);
      expect(tokensPerSecond).toBeGreaterThan(0);
      return rest as { phase: string; step: number };
    });

// A busy machine needs its time.
vi.setConfig({ testTimeout: 240_000 });

beforeAll(async () => {
  buildOnce();
  expect(await pretrain('whole')).toEqual(done);
}, 180_000);

describe('pretrain', () => {
  it('writes two models, with their tokenizer and a log of every step', async () => {
    const model = [
      '.ilf.json',
      'config.json',
      'generation_config.json',
      'model.safetensors',
      'tokenizer.json',
      'tokenizer_config.json',
    ];
    expect(filesBelow(at('whole', 'out'))).toEqual(
      [
        ...model.map((file) => `base/${file}`),
        ...[...model, 'onnx/model.onnx'].map((file) => `instruct/${file}`),
        'pretrain.log.jsonl',
      ].sort(),
    );
    const log = logOf(at('whole', 'out', 'pretrain.log.jsonl'));
    const steps = ['base', 'lessons', 'instruct', 'tuned'].flatMap((phase) =>
      [1, 2, 3, 4, 5, 6].map((step) => ({ phase, step })),
    );
    expect(log.map(({ phase, step }) => ({ phase, step }))).toEqual(steps);
    const { encode, decode } = await loadTokenizer(at('whole', 'out', 'base'));
    expect(decode(encode('Any text, ünknown words too.'))).toBe('Any text, ünknown words too.');
    const scored = ['score', '--model', at('whole', 'out', 'instruct'), '--data', '/dev/null'];
    expect(await cli(scored, { cwd: dir })).toEqual(done);
  });

  it('killed in every part, goes on to the same bytes, and its log tells every step once', async () => {
    for (const moment of [
      { KILL_AT: '/\\.tokenizer\\..*\\.new$' },
      { KILL_AFTER: '/work/base$' },
      { KILL_AT: '/\\.initials\\.json\\..*\\.tmp$' },
      { KILL_AT: '/\\.lessons\\..*\\.tmp$' },
      { KILL_AT: '/\\.instruct\\..*\\.new$' },
      { KILL_AFTER: '/work/refinements\\.json$' },
      { KILL_AFTER: '/work/tuned$' },
      { KILL_AT: '/out/\\.base\\..*\\.tmp$' },
      { KILL_AFTER: '/out/instruct$' },
    ])
      expect(await pretrain('killed', moment), JSON.stringify(moment)).toEqual(killed);
    expect(await pretrain('killed')).toEqual(done);
    const files = filesBelow(at('whole'));
    expect(filesBelow(at('killed'))).toEqual(files);
    for (const file of files)
      if (file.endsWith('.log.jsonl')) expect(logOf(at('killed', file))).toEqual(logOf(at('whole', file)));
      else expect(readFileSync(at('killed', file)).equals(readFileSync(at('whole', file))), file).toBe(true);
  });

  it('a line of the log that a kill cut off is no line', async () => {
    const { appendFileSync } = await import('node:fs');
    expect(await pretrain('cut', { KILL_AFTER: '/work/lessons$' })).toEqual(killed);
    appendFileSync(at('cut', 'work', 'pretrain.log.jsonl'), '{"phase":"lessons","st');
    expect(await pretrain('cut')).toEqual(done);
    const log = 'work/pretrain.log.jsonl';
    expect(logOf(at('cut', log))).toEqual(logOf(at('whole', log)));
  });
});
