// Projects of somebody else's, one with a link to this folder (npm link, npm install ../ilf), one with the unpacked file of npm pack:
// docs/example.mjs runs there, a TypeScript program is checked, and the command works.
import { execFileSync, spawnSync } from 'node:child_process';
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildOnce } from '../helpers/cli.js';

const root = join(import.meta.dirname, '..', '..');
const scratch = mkdtempSync(join(tmpdir(), 'ilf-test-'));

/** TypeScript against the declared types alone: what is inside is not seen, and no tfjs is needed. */
const PROGRAM = `import { estimateKl, type KlResult, loadModel, type Model, runLoop, sample, UserError } from 'ilf';

const model: Model = await loadModel('models/base');
const texts: string[] = (await sample(model, ['a'], { n: 2 })).flat().map(({ text }) => text);
const { result, dir } = await runLoop({ contexts: 3, data: null }, { signal: AbortSignal.timeout(1000) });
const kl: KlResult = estimateKl([[{ logQ: [-1], logP: [-2] }]], {
  q: 'a', p: 'b', conditional: false, sampling: { temperature: 1, topP: 1, topK: 0, maxNewTokens: 1, seed: 0 },
});
console.log(texts, result, dir, kl.k1.value, new UserError('no'));
// @ts-expect-error there is no such option
await sample(model, ['a'], { temprature: 2 });
// @ts-expect-error the inside of a model is nobody's business
model.text;
`;

function project(name: string, install: (modules: string) => void): string {
  const dir = join(scratch, name);
  mkdirSync(join(dir, 'node_modules'), { recursive: true });
  writeFileSync(join(dir, 'package.json'), '{"name":"somebody","type":"module"}');
  copyFileSync(join(root, 'docs', 'example.mjs'), join(dir, 'example.mjs'));
  writeFileSync(join(dir, 'program.ts'), PROGRAM);
  install(join(dir, 'node_modules'));
  return dir;
}

/** What npm would install beside it: this project's packages, by links. */
function linkPackages(modules: string, except: string): void {
  const from = join(root, 'node_modules');
  const names = readdirSync(from).flatMap((name) =>
    name.startsWith('@') ? readdirSync(join(from, name)).map((part) => join(name, part)) : [name],
  );
  for (const name of names.filter((of) => of !== except && !of.startsWith('.'))) {
    mkdirSync(dirname(join(modules, name)), { recursive: true });
    symlinkSync(join(from, name), join(modules, name));
  }
}

function unpack(modules: string): void {
  const words = ['pack', '--ignore-scripts', '--json', '--pack-destination', scratch];
  const npm = spawnSync('npm', words, { cwd: root, encoding: 'utf8', maxBuffer: 1 << 26 });
  const file = readdirSync(scratch).find((name) => name.endsWith('.tgz'));
  expect(file, npm.stderr).toBeDefined();
  execFileSync('tar', ['-xzf', join(scratch, file!), '-C', modules]);
  renameSync(join(modules, 'package'), join(modules, 'ilf'));
  linkPackages(modules, 'ilf');
}

beforeAll(buildOnce);
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

describe.each([
  ['linked', (modules: string) => symlinkSync(root, join(modules, 'ilf'))],
  ['packed', unpack],
] as const)('a project with the package %s', (name, install) => {
  let dir: string;
  beforeAll(() => {
    dir = project(name, install);
  });
  const node = (...words: string[]) => spawnSync(process.execPath, words, { cwd: dir, encoding: 'utf8' });

  it('runs the example of the docs', () => {
    const { status, stdout, stderr } = node('example.mjs', 'tuned');
    expect({ status, stderr: name === 'linked' ? stderr : '' }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toMatch(/^step 1: [\d.]+ nats a token$/m);
    expect(stdout).toMatch(/^KL\(tuned ‖ base\): [\d.]+ nats a text$/m);
    expect(readdirSync(join(dir, 'tuned'))).toContain('model.safetensors');
  });

  it('has types', () => {
    const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
    const strict = ['--strict', '--noEmit', '--module', 'nodenext', '--target', 'es2023', '--types', 'node'];
    const roots = ['--typeRoots', join(root, 'node_modules', '@types')];
    const { status, stdout } = node(tsc, ...strict, ...roots, 'program.ts');
    expect({ status, stdout }).toEqual({ status: 0, stdout: '' });
  });

  it('has the command', () => {
    const { status, stdout } = node(join('node_modules', 'ilf', 'train.js'), '--version');
    expect({ status, stdout }).toEqual({ status: 0, stdout: '0.1.0\n' });
  });
});
