// The options, defaults and names in the tables of the pages are the program's.
import { describe, expect, it } from 'vitest';
import type { CommandModule, Options } from 'yargs';
import { COMMANDS } from '../../src/cli/main.js';
import { ENGINES } from '../../src/engine/engines/kind.js';
import { sources } from '../../src/feedback/registry.js';
import { targetKinds } from '../../src/ilf/target-kinds.js';
import { loopOptions } from '../../src/library/settings.js';
import { DEFAULTS } from '../../src/pipeline/defaults.js';
import { HOSTS } from '../../src/rankers/ranker.js';
import { rankers } from '../../src/rankers/registry.js';
import { tasks } from '../../src/tasks/open.js';
import { asText, codeIn, readText, table } from './pages.js';

const optionsOf = ({ builder }: CommandModule<object, never>) =>
  builder as unknown as Record<string, Options>;
const main = optionsOf(COMMANDS[0]!);

/** The options that a cell names, without dashes; an alias as its option. */
const named = (cell: string): string[] => {
  const words = codeIn(cell).flatMap((code) => [...code.matchAll(/(?<=^|\s)-+([a-z][a-z-]*)/g)]);
  const options = words.map(([, word]) =>
    main[word!] ? word! : (Object.keys(main).find((name) => main[name]!.alias === word) ?? word!),
  );
  return [...new Set(options)];
};

/** What --help says of an option's default; a switch that is on by default is called by its name. */
const defaultOf = (name: string): string[] => {
  const { type, defaultDescription } = main[name] ?? {};
  if (defaultDescription === undefined) return [];
  return [type === 'boolean' ? `--${name}` : defaultDescription];
};

describe.each(['README.md', 'docs/options.md'])('the options of %s', (page) => {
  const rows = table(page, '| option | default | |');
  it.each(rows.map((row) => [asText(row[0]!), row] as const))('%s', (_, [option, byDefault]) => {
    const names = named(option!);
    expect(names.length).toBeGreaterThan(0);
    expect(names.filter((name) => !(name in main))).toEqual([]);
    // Where a default is explained, behind a comma, the page may leave the explanation out.
    const says = asText(byDefault!);
    const defaults = [...new Set(names.flatMap(defaultOf))];
    const short = defaults.map((text) => text.split(', ')[0]!);
    expect([short.join(', '), defaults.join(', ')]).toContain(says);
  });
});

it('docs/options.md has every option of the main command, once', () => {
  const listed = table('docs/options.md', '| option | default | |').flatMap(([option]) => named(option!));
  expect(listed.toSorted()).toEqual(Object.keys(main).toSorted());
});

it('what --help says is a default is what a run takes', () => {
  const taken = loopOptions({}, { name: 'cpu', precision: 'float32' }) as unknown as Record<string, unknown>;
  const camel = (name: string) => name.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
  const compared = Object.entries(main).filter(
    ([name, { type, choices }]) =>
      camel(name) in taken &&
      defaultOf(name).length > 0 &&
      (type === 'number' || choices || name === 'ranker'),
  );
  // `precision` and `engine` are what the machine has.
  const values = compared.filter(([name]) => name !== 'precision' && name !== 'engine');
  expect(values.map(([name]) => name)).toEqual(
    expect.arrayContaining(['lr', 'samples', 'beta', 'top-p', 'host']),
  );
  for (const [name, { type }] of values) {
    const says = type === 'number' ? Number(defaultOf(name)[0]) : defaultOf(name)[0];
    expect(says, name).toBe(taken[camel(name)]);
  }
});

it('another command has the defaults of the main one, but for these', () => {
  // Best-of-n and RL sample more, the KL report less; RL's β is of another formula.
  const own = ['best-of-n samples', 'kl samples', 'rl samples', 'rl beta'];
  const numbers = Object.keys(DEFAULTS)
    .map((key) => key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`))
    .filter((name) => main[name]?.type === 'number');
  for (const command of COMMANDS)
    for (const name of numbers) {
      const option = optionsOf(command)[name];
      if (!option || own.includes(`${command.command} ${name}`)) continue;
      expect(option.defaultDescription, `${command.command} --${name}`).toBe(main[name]!.defaultDescription);
    }
});

/** Inline code of the row of docs/options.md that begins with an option. */
const rowOf = (option: string) => {
  const row = table('docs/options.md', '| option | default | |').find(([cell]) =>
    cell!.includes(`\`${option}`),
  );
  return codeIn(row![2]!);
};

describe('the names that an option takes are in docs/options.md', () => {
  it('--targets, in their order', () => {
    const listed = table('docs/options.md', '| `--targets` | π_θ is tuned on |').map(([cell]) =>
      asText(cell!),
    );
    expect(listed).toEqual(targetKinds.map(({ name }) => name));
  });
  it('--ranker', () => {
    // "instruct-rm-1 to -5" are its prompts.
    const names = rankers.map(({ name }) => name).filter((name) => !/-\d$/.test(name));
    const listed = rowOf('--ranker').filter((name) => !name.startsWith('--') && !/-\d$/.test(name));
    expect(listed.toSorted()).toEqual(names.toSorted());
    const prompts = rankers.filter(({ name }) => /^instruct-rm-\d$/.test(name)).length;
    expect(rowOf('--ranker')).toContain(`-${prompts}`);
  });
  it('--feedback', () => {
    expect(rowOf('--feedback').toSorted()).toEqual(sources.map(({ name }) => name).toSorted());
  });
  it('--host', () => {
    expect(rowOf('--host')).toEqual([...HOSTS]);
  });
  it('--task', () => {
    const [, byDefault] = table('docs/options.md', '| option | default | |').find(([cell]) =>
      cell!.includes('--task'),
    )!;
    expect(tasks.map(({ name }) => name)).toEqual(
      expect.arrayContaining(codeIn(byDefault!).filter((name) => !name.startsWith('--'))),
    );
  });
  it('--progress', () => {
    const listed = rowOf('--progress').filter((name) => !name.startsWith('--'));
    expect(listed.toSorted()).toEqual([...(main.progress!.choices as string[])].toSorted());
  });
});

it('docs/engines.md has every engine, in their order', () => {
  const listed = table('docs/engines.md', '| name | what | when |').map(([name]) => asText(name!));
  expect(listed.toSorted()).toEqual([...ENGINES].toSorted());
});

it('docs/library.md names settings that there are', () => {
  const text = readText('docs/library.md').match(/in camel case: ([^;.]*)/)![1]!;
  const taken = loopOptions({}, { name: 'cpu', precision: 'float32' });
  const settings = [...Object.keys(taken), 'run', 'fresh', 'instruct', 'skipTooLong'];
  expect(settings).toEqual(expect.arrayContaining(codeIn(text)));
});
