// The machinery, on a tree of one function: mutants that are noticed, that are not, that never end, and lists that do not fit.
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { scratchFolder } from '../store/folder.js';
import type { Mutant } from './mutant.js';
import { faultsIn, mutate, type Outcome, staleIn } from './mutate.js';
import { outcomesAsJson, renderOutcomes } from './render.js';

const [root, elsewhere] = [scratchFolder(), scratchFolder()];
const source =
  'export const sum = (a) => {\n  let s = 0;\n  for (let i = 0; i < a.length; i++) s += a[i];\n  return s;\n};\n';
const mutant = (id: string, find: string, replace: string, more: Partial<Mutant> = {}): Mutant => ({
  ...{ id, find, replace, about: `${find} → ${replace}`, file: 'src/sum.js', tests: ['tests/sum.test.js'] },
  ...more,
});
const [off, same, endless, shown] = [
  mutant('off', 'let i = 0', 'let i = 1'),
  mutant('same', 's += a[i]', 's -= -a[i]'),
  mutant('endless', 'i++', 'i += 0'),
  mutant('shown', 'let i = 0', 'let i = 1', { tests: ['tests/program.test.js'] }),
] as const;

beforeAll(() => {
  for (const folder of ['src', 'tests', 'dist']) mkdirSync(join(root, folder));
  writeFileSync(join(root, 'src', 'sum.js'), source);
  writeFileSync(join(root, 'dist', 'built.js'), '');
  writeFileSync(join(root, 'package.json'), '{ "type": "module" }');
  const test = [
    "import { expect, it } from 'vitest';",
    "import { sum } from '../src/sum.js';",
    "it('adds', () => expect(sum([1, 2])).toBe(3));",
  ];
  writeFileSync(join(root, 'tests', 'sum.test.js'), test.join('\n'));
  writeFileSync(join(root, 'tests', 'wrong.test.js'), test.join('\n').replace('toBe(3)', 'toBe(4)'));
  // Runs the program, which reads what lies beside it.
  writeFileSync(join(root, 'train.js'), "import { sum } from './src/sum.js';\nconsole.log(sum([1, 2]));\n");
  const program = [
    "import { execFileSync } from 'node:child_process';",
    "import { fileURLToPath } from 'node:url';",
    "import { expect, it } from 'vitest';",
    "const path = fileURLToPath(new URL('../train.js', import.meta.url));",
    "it('says so', () => expect(String(execFileSync(process.execPath, [path]))).toBe('3\\n'));",
  ];
  writeFileSync(join(root, 'tests', 'program.test.js'), program.join('\n'));
  const modules = join(dirname(fileURLToPath(import.meta.url)), '..', '..', 'node_modules');
  symlinkSync(modules, join(root, 'node_modules'));
});

describe('mutants', () => {
  it('are noticed, or survive, each alone, and never in the tree itself', async () => {
    vi.stubEnv('TMPDIR', elsewhere);
    const seen: string[] = [];
    const outcomes = await mutate(
      root,
      [off, same, endless, shown],
      2,
      ({ mutant }) => seen.push(mutant.id),
      () => 8,
    );
    expect(outcomes.map(({ mutant: { id }, killed, by }) => [id, killed, by])).toEqual([
      ['off', true, 'adds'],
      ['same', false, ''],
      ['endless', true, 'not done in 8 s'],
      ['shown', true, 'says so'],
    ]);
    expect(seen.sort()).toEqual(['endless', 'off', 'same', 'shown']);
    expect(readFileSync(join(root, 'src', 'sum.js'), 'utf8')).toBe(source);
    vi.unstubAllEnvs();
    expect(readdirSync(elsewhere).filter((name) => name.startsWith('ilf-mutants-'))).toEqual([]);
  });

  it('are not tried where a test fails without them', async () => {
    const wrong = { ...off, tests: ['tests/wrong.test.js'] };
    await expect(mutate(root, [wrong], 1)).rejects.toThrow('the tests fail without any mutant: adds');
  });

  it('are not tried where the list is stale', async () => {
    const list = [
      mutant('twice', 's', 't'),
      mutant('none', 'let j', 'let k'),
      mutant('gone', 'let i', 'let j', { file: 'src/gone.js' }),
      mutant('untested', 'let i', 'let j', { tests: ['tests/gone.test.js'] }),
      mutant('unchanged', 'let i', 'let i'),
      mutant('unchanged', 'let i', 'let j'),
    ];
    const lines = staleIn(root, list);
    for (const [i, line] of [
      /^twice: src\/sum.js has "s" \d times, not once$/,
      /^none: src\/sum.js has "let j" 0 times/,
      /^gone: there is no src\/gone.js$/,
      /^untested: there is no tests\/gone.test.js$/,
      /^unchanged: a mutant changes one line/,
      /^unchanged: there is another one of this name$/,
    ].entries())
      expect(lines[i]).toMatch(line);
    await expect(mutate(root, list, 1)).rejects.toThrow(/the list of mutants is stale:\ntwice/);
  });
});

describe('the outcome', () => {
  const outcome = (killed: boolean, mutant = same): Outcome => ({
    mutant,
    killed,
    by: killed ? 'a test' : '',
    seconds: 1,
  });
  const ten = (killed: number, mutant?: Mutant) =>
    Array.from({ length: 10 }, (_, i) => (i < killed ? outcome(true) : outcome(false, mutant)));
  const explained = { ...same, survives: 'minus minus is plus' };

  it('is good where nine in ten are noticed and the list says why the others are not', () => {
    expect(faultsIn(ten(9, explained))).toEqual([]);
    expect(faultsIn(ten(9))).toEqual([
      expect.stringMatching(/^same survives, and the list does not say why/),
    ]);
    expect(faultsIn(ten(8, explained))).toEqual(['2 of 10 mutants survive, more than one in ten']);
    expect(faultsIn([outcome(true, explained)])).toEqual([expect.stringMatching(/^same is noticed now/)]);
  });

  it('is a table for people, and JSON for programs', () => {
    const table = renderOutcomes(ten(9, explained), 100);
    expect(table).toMatch(/same +│ survives │ +1\.0 │ minus minus is plus/);
    expect(table).toMatch(/10 mutants, 9 killed, 1 survive$/);
    expect(JSON.parse(outcomesAsJson(ten(9), []))).toMatchObject({
      mutants: 10,
      killed: 9,
      outcomes: expect.arrayContaining([expect.objectContaining({ id: 'same', killed: true, by: 'a test' })]),
      faults: [],
    });
  });
});
