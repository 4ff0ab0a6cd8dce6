// The layering of DESIGN, as a test: imports point downwards only, nothing but measurement sees what outputs are worth, nothing but
// the engine knows which tfjs backend runs, and there are no cycles. Type-only imports count: a type is knowledge too.
// The files are parsed by the parser that vitest itself brings (oxc), so the rules need no dependency of their own.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, posix, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { parseAst } from 'vitest/node';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

/** The layers from the bottom up. A file imports from its own folder and from lower layers. */
const layers: string[][] = [
  ['text', 'engine', 'store'],
  ['bayes', 'lm'],
  ['tasks', 'report', 'writers'],
  ['rankers', 'feedback'],
  ['pipeline', 'pretrain', 'doctor'],
  ['measure'],
  ['kl', 'baselines'],
  ['ilf'],
  ['experiment'],
  ['library'],
  // The library's door, and the command line.
  ['index.ts', 'cli'],
];

/** Neighbours in one layer that may be imported: what a task is, and the errors and atomic writes of the store. */
const sideways: Record<string, string[]> = {
  text: ['store'],
  engine: ['store'],
  writers: ['tasks'],
};

/**
 * The wall around what outputs are worth: a scorer's module is opened by its task's descriptor alone, descriptors are reached through
 * the registry, and the registry by what opens tasks, which gives no scorer, and by measurement.
 */
const wall: { what: string; module: RegExp; may: RegExp }[] = [
  {
    what: "a task's scorer",
    module: /^src\/tasks\/[^/]+\/scorer\.ts$/,
    may: /^src\/tasks\/[^/]+\/index\.ts$/,
  },
  {
    what: "a task's descriptor",
    module: /^src\/tasks\/[^/]+\/index\.ts$/,
    may: /^src\/tasks\/registry\.ts$/,
  },
  {
    what: 'the registry of tasks',
    module: /^src\/tasks\/registry\.ts$/,
    may: /^src\/(tasks\/open|measure\/open-scorer)\.ts$/,
  },
  {
    what: 'what opens scorers',
    module: /^src\/measure\/open-scorer\.ts$/,
    may: /^src\/(measure\/[^/]+|experiment\/(experiment|study-context))\.ts$/,
  },
  {
    what: 'what opens the measures by a scorer',
    module: /^src\/measure\/quality\.ts$/,
    may: /^src\/ilf\/(loop|round|measure|outcome)\.ts$/,
  },
];
/** What stands beside one another and shares through its parent or a shared folder only: the report's pages, the engines. */
const apart: { what: string; folder: RegExp }[] = [
  { what: 'page', folder: /^src\/report\/(run|kl|experiment)\// },
  { what: 'engine', folder: /^src\/engine\/engines\/([^/]+)\// },
  { what: 'task', folder: /^src\/tasks\/([^/]+)\// },
];
const backend = /^@tensorflow\/tfjs(?:$|\/|-backend-|-node|-react-native)/;

/** A source file: its path from the repository's root, with `/`, and its text. */
type Sources = Map<string, string>;

/** The module specifiers that a file names: import, export … from, import(), and import('…') types. */
function specifiers(path: string, text: string): string[] {
  const found: string[] = [];
  const visit = (node: unknown): void => {
    if (Array.isArray(node)) for (const child of node) visit(child);
    else if (node !== null && typeof node === 'object') {
      const { type, source } = node as { type?: string; source?: { value?: unknown } };
      if (type !== undefined && /^(Import|Export|TSImport)/.test(type) && typeof source?.value === 'string')
        found.push(source.value);
      for (const child of Object.values(node)) visit(child);
    }
  };
  visit(parseAst(text, { lang: 'ts' }, path));
  return found;
}

/** The file a relative specifier means (`./x.js` is written for `x.ts`), or undefined where there is none. */
function resolve(from: string, specifier: string, sources: Sources): string | undefined {
  const target = posix.join(posix.dirname(from), specifier);
  return [target.replace(/\.js$/, '.ts'), target].find((candidate) => sources.has(candidate));
}

/** A cycle among the imports as a path of files, or undefined. Depth-first, each file once. */
function findCycle(edges: Map<string, string[]>): string[] | undefined {
  const done = new Set<string>();
  const stack: string[] = [];
  const walk = (file: string): string[] | undefined => {
    if (stack.includes(file)) return [...stack.slice(stack.indexOf(file)), file];
    if (done.has(file)) return undefined;
    stack.push(file);
    for (const next of edges.get(file) ?? []) {
      const cycle = walk(next);
      if (cycle) return cycle;
    }
    stack.pop();
    done.add(file);
    return undefined;
  };
  for (const file of edges.keys()) {
    const cycle = walk(file);
    if (cycle) return cycle;
  }
  return undefined;
}

/** Every breach of the rules, one line each; an empty list is a sound architecture. */
function breaches(sources: Sources): string[] {
  const found: string[] = [];
  const folderOf = (path: string) => path.split('/')[1] ?? '';
  const layerOf = (folder: string) => layers.findIndex((layer) => layer.includes(folder));
  const edges = new Map<string, string[]>();

  for (const [path, text] of sources) {
    const folder = folderOf(path);
    if (layerOf(folder) < 0) {
      found.push(`${path}: src/${folder} is in no layer; add it to the layers in tests/architecture.test.ts`);
      continue;
    }
    const targets: string[] = [];
    edges.set(path, targets);
    for (const specifier of specifiers(path, text)) {
      if (backend.test(specifier) && folder !== 'engine')
        found.push(`${path} imports ${specifier}: only src/engine knows which backend runs`);
      if (!specifier.startsWith('.')) continue;
      const target = resolve(path, specifier, sources);
      if (target === undefined) {
        if (/(?:^|\/)(?:tests|bench)\//.test(specifier))
          found.push(`${path} imports ${specifier}, outside src`);
        continue;
      }
      targets.push(target);
      for (const { what, module, may } of wall)
        if (module.test(target) && !may.test(path))
          found.push(`${path} imports ${target}: only measurement may see ${what}`);
      for (const { what, folder: rule } of apart) {
        const [from, other] = [rule.exec(path)?.[1], rule.exec(target)?.[1]];
        if (from && other && from !== other) found.push(`${path} imports ${target}: of another ${what}`);
      }
      const to = folderOf(target);
      if (to === folder) continue;
      if (layerOf(to) > layerOf(folder)) found.push(`${path} imports ${target}: upwards`);
      else if (layerOf(to) === layerOf(folder) && !sideways[folder]?.includes(to))
        found.push(`${path} imports ${target}: sideways`);
    }
  }
  const cycle = findCycle(edges);
  if (cycle) found.push(`cycle: ${cycle.join(' → ')}`);
  return found;
}

/** All TypeScript files under src. */
function readSources(): Sources {
  const files = readdirSync(join(root, 'src'), { recursive: true, withFileTypes: true });
  return new Map(
    files
      .filter((file) => file.isFile() && file.name.endsWith('.ts'))
      .map((file) => join(file.parentPath, file.name))
      .sort()
      .map((file) => [relative(root, file).split(sep).join('/'), readFileSync(file, 'utf8')]),
  );
}

describe('architecture', () => {
  it('holds in src', () => {
    const sources = readSources();
    expect(sources.size).toBeGreaterThan(0);
    expect(breaches(sources)).toEqual([]);
  });

  const lm = 'src/lm/model.ts';
  const cases: [name: string, files: Record<string, string>, breach: RegExp | null][] = [
    ['down is fine', { [lm]: `import { a } from '../engine/a.js';`, 'src/engine/a.ts': '' }, null],
    ['up', { [lm]: `import { a } from '../ilf/a.js';`, 'src/ilf/a.ts': '' }, /upwards/],
    ['a type counts', { [lm]: `import type { A } from '../ilf/a.js';`, 'src/ilf/a.ts': '' }, /upwards/],
    ['import() types count', { [lm]: `type A = import('../ilf/a.js').A;`, 'src/ilf/a.ts': '' }, /upwards/],
    ['import() counts', { [lm]: `await import('../ilf/a.js');`, 'src/ilf/a.ts': '' }, /upwards/],
    ['export from counts', { [lm]: `export * from '../ilf/a.js';`, 'src/ilf/a.ts': '' }, /upwards/],
    ['sideways', { [lm]: `import '../bayes/kl.js';`, 'src/bayes/kl.ts': '' }, /sideways/],
    ['rankers know tasks', { 'src/rankers/a.ts': `import '../tasks/t.js';`, 'src/tasks/t.ts': '' }, null],
    [
      'one page and another',
      { 'src/report/kl/a.ts': `import '../run/b.js';`, 'src/report/run/b.ts': '' },
      /of another page/,
    ],
    [
      'tasks know no ranker',
      { 'src/tasks/t.ts': `import '../rankers/a.js';`, 'src/rankers/a.ts': '' },
      /upwards/,
    ],
    [
      'a scorer in training',
      { 'src/ilf/rank.ts': `import '../tasks/briefs/scorer.js';`, 'src/tasks/briefs/scorer.ts': '' },
      /may see a task's scorer/,
    ],
    [
      'a scorer opened late',
      { 'src/ilf/rank.ts': `await import('../tasks/code/scorer.js');`, 'src/tasks/code/scorer.ts': '' },
      /may see a task's scorer/,
    ],
    [
      'a scorer through its descriptor',
      { 'src/ilf/rank.ts': `import '../tasks/briefs/index.js';`, 'src/tasks/briefs/index.ts': '' },
      /may see a task's descriptor/,
    ],
    [
      'a scorer through the registry',
      { 'src/rankers/r.ts': `import '../tasks/registry.js';`, 'src/tasks/registry.ts': '' },
      /may see the registry of tasks/,
    ],
    [
      'a scorer opened in training',
      { 'src/ilf/targets.ts': `import '../measure/open-scorer.js';`, 'src/measure/open-scorer.ts': '' },
      /may see what opens scorers/,
    ],
    [
      'measures by a scorer in training',
      { 'src/ilf/target-kinds.ts': `import '../measure/quality.js';`, 'src/measure/quality.ts': '' },
      /may see what opens the measures by a scorer/,
    ],
    [
      'a scorer in measurement',
      { 'src/measure/quality.ts': `import './open-scorer.js';`, 'src/measure/open-scorer.ts': '' },
      null,
    ],
    ['a backend in the model', { [lm]: `import '@tensorflow/tfjs-backend-cpu';` }, /which backend runs/],
    [
      'a backend in the engine',
      { 'src/engine/a.ts': `import '@tensorflow/tfjs-backend-cpu/dist/base.js';` },
      null,
    ],
    ['tfjs-core anywhere', { [lm]: `import * as tf from '@tensorflow/tfjs-core';` }, null],
    ['a test', { [lm]: `import '../../tests/help.js';` }, /outside src/],
    ['a new folder', { 'src/misc/a.ts': '' }, /in no layer/],
    [
      'a cycle',
      { [lm]: `import './b.js';`, 'src/lm/b.ts': `import './c.js';`, 'src/lm/c.ts': `import './model.js';` },
      /cycle: src\/lm\/model.ts → src\/lm\/b.ts → src\/lm\/c.ts → src\/lm\/model.ts/,
    ],
    [
      'no cycle in a diamond',
      {
        [lm]: `import './b.js'; import './c.js';`,
        'src/lm/b.ts': `import './d.js';`,
        'src/lm/c.ts': `import './d.js';`,
        'src/lm/d.ts': '',
      },
      null,
    ],
    [
      'comments and strings do not count',
      { [lm]: `// import '../ilf/a.js'\nconst s = "import '../ilf/a.js'";`, 'src/ilf/a.ts': '' },
      null,
    ],
  ];
  it.each(cases)('sees through: %s', (_name, files, breach) => {
    const found = breaches(new Map(Object.entries(files)));
    if (breach === null) expect(found).toEqual([]);
    else expect(found.join('\n')).toMatch(breach);
  });
});
