// CONTRIBUTING.md's examples: a task and a ranker of a person's own, a file each, run the whole loop through the command line.
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  contextsTable,
  feedbackTable,
  initialTable,
  refinementsTable,
  scoresTable,
  targetsTable,
} from '../../src/pipeline/tables.js';
import { readTable } from '../../src/store/tables.js';
import { buildOnce, cli } from '../helpers/cli.js';
import { inProcess } from '../helpers/in-process.js';
import writeTinyModels from '../helpers/tiny-models.js';
import { scratchFolder } from '../store/folder.js';

const dir = scratchFolder();
const models = join(dir, 'models');
const example = (name: string) => fileURLToPath(new URL(`../examples/${name}`, import.meta.url));
const words = [
  '--base',
  join(models, 'base'),
  '--instruct',
  join(models, 'instruct'),
  '--quiet',
  '--json',
].concat(['--contexts', '6', '--heldout', '4', '--samples', '3', '--max-tokens', '16', '--seed', '1']);
const runOf = (name: string, ...more: string[]) =>
  cli([...words, '--run', join(dir, name), ...more], { cwd: dir });

beforeAll(async () => {
  buildOnce();
  await writeTinyModels(models);
}, 120_000);

describe('a task of two lines, with prompts, an annotator and a scorer of its own', () => {
  const read = (file: string) => join(dir, 'reverse', 'round-1', `${file}.arrow`);
  let document: Record<string, unknown>;
  beforeAll(async () => {
    const finished = await runOf(
      'reverse',
      ...['--task', example('reverse-word.js'), '--ranker', example('fewest-words.js')],
      ...['--targets', 'gold', '--epochs', '60', '--lr', '1e-2', '--temperature', '0.05'],
    );
    expect(finished.stderr).toBe('');
    document = JSON.parse(finished.stdout);
  }, 120_000);

  it('runs the whole loop', () => {
    expect(document).toMatchObject({
      judge: 'oracle: share of the two lines that are right',
      annotator: 'simulated annotator',
      ranker: 'fewest words',
      score: { gold: { value: 1 } },
    });
    const html = readFileSync(join(dir, 'reverse', 'report.html'), 'utf8');
    expect(html).toContain('Mean score of gold answers');
    expect(html).toContain('<dt>Word');
    expect(html).not.toMatch(/\b(post|summary of)\b/);
  });

  it('keeps its lines apart', async () => {
    const [target] = await readTable(read('targets'), targetsTable);
    expect(target!.text).toMatch(/^([a-j]{4})\n[a-j]{4}$/);
    const contexts = await readTable(join(dir, 'reverse', 'heldout', 'contexts.arrow'), contextsTable);
    const feedback = await readTable(join(dir, 'reverse', 'heldout', 'feedback.arrow'), feedbackTable);
    expect(feedback[0]!.text).toBe(
      `Line 1: ${contexts[0]!.text}\nLine 2: ${[...contexts[0]!.text].reverse().join('')}`,
    );
    // What it learned by heart has two lines, and no line break ended it.
    const outputs = await readTable(read('outputs'), initialTable);
    expect(outputs.filter(({ text }) => text.includes('\n')).length).toBeGreaterThan(0);
  });
});

it('a ranker of one’s own picks, alone as in a run', async () => {
  const { stderr, stdout } = await runOf('fewest', '--ranker', example('fewest-words.js'));
  expect(stderr).toBe('');
  expect(JSON.parse(stdout)).toMatchObject({ ranker: 'fewest words' });
  const folder = join(dir, 'fewest', 'round-1');
  const refinements = await readTable(join(folder, 'refinements.arrow'), refinementsTable);
  const scores = await readTable(join(folder, 'scores.arrow'), scoresTable);
  expect(scores.map(({ mean }) => -mean)).toEqual(refinements.map(({ text }) => text.split(/\s+/).length));
  const tables = ['contexts', 'initial', 'feedback', 'refinements'].flatMap((table) => [
    `--${table}`,
    join(folder, `${table}.arrow`),
  ]);
  const out = join(dir, 'alone.arrow');
  const alone = await inProcess(
    ['rank', ...tables, '--ranker', example('fewest-words.js'), '--out', out, '--quiet'],
    {
      cwd: dir,
    },
  );
  expect(alone).toMatchObject({ code: 0, stderr: '' });
  expect(readFileSync(out).equals(readFileSync(join(folder, 'scores.arrow')))).toBe(true);
}, 120_000);

it('a run goes on when its ranker’s file is the same, and ranks again when it is not', async () => {
  const mine = join(dir, 'mine.js');
  copyFileSync(example('fewest-words.js'), mine);
  const made = () => JSON.parse(readFileSync(join(dir, 'mine', 'manifest.json'), 'utf8')).steps;
  await runOf('mine', '--ranker', mine);
  const first = made();
  await runOf('mine', '--ranker', mine);
  expect(made()).toEqual(first);
  const changed = readFileSync(mine, 'utf8').replace('score: -', 'score: ');
  writeFileSync(mine, changed);
  await runOf('mine', '--ranker', mine);
  expect(made()['round-1/scores'].inputsHash).not.toBe(first['round-1/scores'].inputsHash);
  expect(made()['round-1/refinements']).toEqual(first['round-1/refinements']);
}, 120_000);

it.each([
  ['no module', 'missing.js', /cannot load the ranker .*missing\.js/],
  ['a module that is none', 'empty.js', /empty\.js is no ranker: its default export must be/],
  [
    'a module that lacks a function',
    'half.js',
    /half\.js is no ranker: .* a name and the functions madeFrom, open/,
  ],
])('%s is one line', async (_, name, line) => {
  if (name === 'empty.js') writeFileSync(join(dir, name), 'export default {};\n');
  if (name === 'half.js') writeFileSync(join(dir, name), "export default { name: 'half', open() {} };\n");
  const bad = [...words, '--run', join(dir, 'bad'), '--ranker', join(dir, name)];
  const { code, stderr } = await inProcess(bad, { cwd: dir });
  expect(code).toBe(2);
  expect(stderr).toMatch(line);
  expect(stderr.trim().split('\n')).toHaveLength(1);
});
