// Every command line in the pages is one that the program takes. Nothing is run: commands are parsed, with handlers that do nothing.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import yargs, { type CommandModule, type Options } from 'yargs';
import { benches, LISTS } from '../../bench/commands.js';
import { COMMANDS, main } from '../../src/cli/main.js';
import { runCommands } from '../../src/cli/run.js';
import { inlineCode, PAGES, readText, root, shellLines } from './pages.js';

type Command = CommandModule<object, never>;
const idle = (commands: readonly Command[]): Command[] =>
  commands.map((of) => ({ ...of, handler: () => {} }));
const benchCommands = benches([], () => {});
const nameOf = ({ command }: Command) => (command === '$0' ? '' : String(command));
const optionsOf = ({ builder }: Command) => builder as unknown as Record<string, Options>;

const { scripts } = JSON.parse(readText('package.json')) as { scripts: Record<string, string> };

/** What a page writes in a value's place: `DIR`, `N`. */
const PLACEHOLDER = /^[A-Z][A-Z_]*(?:\.\w+)?$/;
const VALUES: Record<string, string> = { engine: 'cpu', model: '3.7M' };

/** The words with something that can be meant where a page has a placeholder. */
function filled(words: readonly string[], commands: readonly Command[]): string[] {
  const command = commands.find((of) => nameOf(of) === words[0]) ?? commands[0]!;
  return words
    .filter((word, i) => !(i === 0 && word === 'COMMAND'))
    .map((word, i, all) => {
      const option = all[i - 1]?.replace(/^-+/, '') ?? '';
      if (!PLACEHOLDER.test(word) || !all[i - 1]?.startsWith('-')) return word;
      const { type, choices } = optionsOf(command)[option] ?? {};
      if (choices) return String(choices[0]);
      return type === 'number' ? '1' : (VALUES[option] ?? './mine.js');
    });
}

/** What is wrong with a command line, or ''. */
async function fault(parse: () => Promise<number>): Promise<string> {
  let said = '';
  const spies = [
    vi.spyOn(console, 'log').mockImplementation(() => {}),
    vi.spyOn(console, 'error').mockImplementation((line) => {
      said += line;
    }),
  ];
  try {
    return (await parse()) === 0 ? '' : said;
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
}

const program = (words: readonly string[]) => fault(() => main(filled(words, COMMANDS), idle(COMMANDS)));
const bench = (words: readonly string[]) =>
  fault(() => {
    const commands = yargs(filled(words, benchCommands)).command(idle(benchCommands));
    return runCommands(commands.version(false), 'npm run bench --', LISTS);
  });

/** Those that pages tell how to call. */
const SCRIPTS = [
  'kernels/build/pack.mjs',
  'kernels/build/tensorflow-link.mjs',
  'tests/fuzz/main.ts',
  'tests/kill-sweep/main.ts',
  'tests/mutate/main.ts',
];

/** The options of a script that lists them itself, for yargs or parseArgs. */
const optionsOfScript = (file: string): string[] =>
  [...readText(file).matchAll(/'?([\w-]+)'?:\s*\{\s*type:/g)].map(([, name]) => `--${name}`);
const scriptFault = (file: string, words: readonly string[]) =>
  words
    .filter((word) => word.startsWith('--') && !optionsOfScript(file).includes(word))
    .map((word) => `${file} has no ${word}`)
    .join('; ');

async function npm(words: readonly string[]): Promise<string> {
  const [verb, ...rest] = words;
  if (verb !== 'run') return verb === 'test' && !scripts.test ? 'there is no script test' : '';
  const [name, dashes, ...own] = rest.filter((word) => word !== '--silent');
  const script = scripts[name!];
  if (script === undefined) return `package.json has no script ${name}`;
  if (dashes === undefined) return '';
  if (dashes !== '--') return `npm passes on what stands behind "--", not ${dashes}`;
  if (name === 'bench') return bench(own);
  const file = script.split(' ').find((word) => /\.(?:mjs|ts)$/.test(word) && !word.includes('child'));
  return scriptFault(file ?? script.replace(/^.*node dist\/(\S+)\.js$/, '$1.ts'), own);
}

/** What is wrong with a command line of ours; null where it is none of ours. */
async function wrong(line: string): Promise<string | null> {
  const words = line.split(/\s+/).filter((word) => !/^[A-Z_]+=/.test(word));
  const [first, second, ...rest] = words;
  if (first === 'npm') return npm(words.slice(1));
  if (first === 'ilf/ilf' && second === 'bench') return bench(rest);
  if (first === 'ilf' || first === 'ilf/ilf') return program(words.slice(1));
  if (first === 'node' && second === 'train.js') return program(rest);
  if (first === 'node' || first === 'python')
    return second === undefined || second.startsWith('-') || existsSync(join(root, second))
      ? ''
      : `there is no ${second}`;
  return null;
}

describe.each(PAGES)('%s', (page) => {
  const lines = [...shellLines(page), ...inlineCode(page).flatMap((code) => code.split('&&'))].map((line) =>
    line.trim(),
  );
  it('has no command line that the program refuses', async () => {
    const faults: string[] = [];
    for (const line of lines) {
      const of = await wrong(line);
      // The name alone is no command line.
      const isName = /^(?:node train\.js|ilf) [\w-]+$/.test(line) && of?.includes('Missing required');
      if (of && !isName) faults.push(`${line}: ${of}`);
    }
    expect(faults).toEqual([]);
  });

  it('names no option that is none', () => {
    // Of npm and tensorboard; and what yargs adds.
    const others = ['omit', 'ignore-scripts', 'no-save', 'logdir', 'silent', 'help', 'version'];
    const known = new Set([
      ...others,
      ...[...COMMANDS, ...benchCommands].flatMap((of) => Object.keys(optionsOf(of))),
      ...SCRIPTS.flatMap(optionsOfScript).map((option) => option.slice(2)),
    ]);
    const faults = inlineCode(page).flatMap((code) => {
      const own = COMMANDS.find((of) => nameOf(of) !== '' && code.startsWith(`${nameOf(of)} --`));
      return [...code.matchAll(/(?<=^|\s)--([a-z][a-z-]*)/g)]
        .map(([, name]) => name!)
        .filter((name) => (own ? !(name in optionsOf(own)) : !known.has(name)))
        .map((name) => `${code}: there is no --${name}`);
    });
    expect(faults).toEqual([]);
  });
});

describe('this test', () => {
  it('finds the command lines of the pages', () => {
    const all = PAGES.flatMap((page) => [...shellLines(page), ...inlineCode(page)]);
    const commands = all.filter((line) => /^(?:node train\.js|ilf|npm run)\b/.test(line));
    expect(commands.length).toBeGreaterThan(40);
  });

  it.each([
    ['node train.js --samlpes 3', 'samlpes'],
    ['node train.js refin --out x', 'refin'],
    ['node train.js rank --contexts a', 'initial'],
    ['node train.js --rounds 0', '--rounds'],
    ['node train.js --ranker shortest', '--ranker'],
    ['ilf kl --mdoel DIR', 'model'],
    ['ilf kl --model DIR --bsae DIR', 'bsae'],
    ['npm run bnech', 'bnech'],
    ['npm run bench --quick', '"--"'],
    ['npm run bench -- train --peer PYTHON', 'peer'],
    ['npm run pack -- --folder DIR', '--folder'],
    ['python tests/python/nowhere.py', 'nowhere'],
  ])('would notice %s', async (line, what) => {
    expect(await wrong(line)).toContain(what);
  });
});
