// A run that is killed goes on where it stopped and ends as an undisturbed one; steps alone do what the loop does.
import { cpSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import type { Manifest } from '../../src/store/run.js';
import { backends, hasAddon } from '../engine/harness.js';
import { buildOnce, cli, filesBelow, killed } from '../helpers/cli.js';
import { inProcess } from '../helpers/in-process.js';
import writeTinyModels from '../helpers/tiny-models.js';
import { scratchFolder } from '../store/folder.js';

const dir = scratchFolder();
const models = join(dir, 'models');
const [base, instruct] = [join(models, 'base'), join(models, 'instruct')];
const sampling = ['--max-tokens', '8', '--seed', '3', '--quiet'];
const words = ['--base', base, '--instruct', instruct, '--contexts', '10', '--heldout', '6', '--samples', '3']
  .concat(sampling)
  .concat('--json');

const tables = (run: string) => filesBelow(run).filter((file) => /\.(arrow|safetensors)$/.test(file));
const bytes = (path: string) => readFileSync(path).toString('latin1');
const numbersOf = (run: string) => {
  const { seconds, run: folder, ...numbers } = JSON.parse(readFileSync(join(run, 'result.json'), 'utf8'));
  expect(seconds).toBeGreaterThan(0);
  expect(folder).toBe(run);
  return numbers;
};

const undisturbed = join(dir, 'undisturbed');
let printed: string;

beforeAll(async () => {
  buildOnce();
  await writeTinyModels(models);
  const finished = await cli([...words, '--run', undisturbed], { cwd: dir });
  expect(finished).toMatchObject({ code: 0, stderr: '' });
  printed = finished.stdout;
}, 180_000);

describe('an undisturbed run', () => {
  it('prints one JSON document with an interval for every measure', () => {
    const document = JSON.parse(printed);
    expect(document).toEqual(JSON.parse(readFileSync(join(undisturbed, 'result.json'), 'utf8')));
    const estimate = { value: expect.any(Number), lo: expect.any(Number), hi: expect.any(Number), n: 6 };
    expect(document.winRate).toMatchObject({
      tunedVsBase: estimate,
      tunedVsGold: estimate,
      baseVsGold: estimate,
    });
    expect(document.incorporated).toMatchObject({
      feedback: estimate,
      noFeedback: estimate,
      shuffledFeedback: estimate,
    });
    expect(document.ranking).toMatchObject({
      picked: estimate,
      random: estimate,
      longest: estimate,
      pickedMinusRandom: estimate,
      incorporated: { picked: estimate, random: estimate, longest: estimate },
    });
    for (const direction of ['tunedFromBase', 'baseFromTuned'])
      expect(document.kl[direction]).toMatchObject({ raoBlackwell: estimate, k1: estimate, k3: estimate });
    expect(document.kl.tunedFromBase.raoBlackwell.value).toBeGreaterThan(0);
  });

  it('leaves a page, whole tables, and nothing temporary', () => {
    const files = filesBelow(undisturbed);
    expect(files).toEqual(expect.arrayContaining(['manifest.json', 'report.html', 'result.json']));
    expect(files).toContain('round-1/finetuned/optimizer.safetensors');
    expect(files.filter((file) => /tmp|\.old|lock/.test(file))).toEqual([]);
  });
});

// Many runs one after another: a busy machine needs its time.
vi.setConfig({ testTimeout: 240_000 });

describe('a killed run', () => {
  const moments: [name: string, when: Record<string, string>][] = [
    ['in the middle of the held-out texts', { KILL_AFTER: '/heldout/refinements\\.arrow$' }],
    ['while ranking', { KILL_AFTER: '/round-1/refinements\\.arrow$' }],
    ['while the tuned model is written', { KILL_AT: '/\\.finetuned\\..*\\.tmp$' }],
    ['while measuring', { KILL_AFTER: '/round-1/outputs\\.arrow$' }],
  ];

  it('goes on from the last finished step, whenever that was, to the same numbers', async () => {
    const run = join(dir, 'killed');
    let before: Manifest['steps'] = {};
    for (const [name, env] of moments) {
      expect(await cli([...words, '--run', run], { cwd: dir, env }), name).toEqual(killed);
      const { steps } = JSON.parse(readFileSync(join(run, 'manifest.json'), 'utf8')) as Manifest;
      expect(Object.keys(steps).length).toBeGreaterThan(Object.keys(before).length);
      // What was finished was not done again.
      expect(steps).toMatchObject(before);
      before = steps;
    }
    expect(await cli([...words, '--run', run], { cwd: dir })).toMatchObject({ code: 0, stderr: '' });
    expect(numbersOf(run)).toEqual(numbersOf(undisturbed));
    expect(tables(run)).toEqual(tables(undisturbed));
    for (const table of tables(run))
      expect(bytes(join(run, table)) === bytes(join(undisturbed, table)), table).toBe(true);
    expect(filesBelow(run).filter((file) => /tmp|\.old|lock/.test(file))).toEqual([]);
  });
});

describe('a run that is given again with another option', () => {
  it('makes again only what follows from a changed table', async () => {
    const run = join(dir, 'changed');
    cpSync(undisturbed, run, { recursive: true });
    const result = numbersOf(undisturbed);
    const manifest = () => JSON.parse(readFileSync(join(run, 'manifest.json'), 'utf8')) as Manifest;
    const before = manifest().steps;
    const other = words.map((word, i) => (words[i - 1] === '--samples' ? '2' : word));
    expect((await cli([...other, '--run', run], { cwd: dir })).code).toBe(0);
    const after = manifest().steps;
    expect(after['round-1/feedback']).toEqual(before['round-1/feedback']);
    expect(after['round-1/refinements']).not.toEqual(before['round-1/refinements']);
    expect(numbersOf(run)).not.toEqual(result);
  });
});

describe('steps alone', () => {
  it('make the tables of the loop', async () => {
    const cwd = join(dir, 'alone');
    mkdirSync(cwd);
    const round = join(undisturbed, 'round-1');
    const commands: [out: string, words: string[]][] = [
      ['contexts', ['contexts', '--count', '10']],
      ['initial', ['generate', '--model', base, ...sampling]],
      ['feedback', ['feedback', '--instruct', instruct, ...sampling]],
      ['refinements', ['refine', '--instruct', instruct, '--base', base, '-n', '3', ...sampling]],
      ['scores', ['rank', '--instruct', instruct, '--quiet']],
      ['targets', ['targets', '--seed', '3']],
      ['finetuned', ['finetune', '--model', base, '--seed', '3', '--quiet']],
    ];
    const inputs: Record<string, string[]> = {
      initial: ['contexts'],
      feedback: ['contexts', 'initial'],
      refinements: ['contexts', 'initial', 'feedback'],
      scores: ['contexts', 'initial', 'feedback', 'refinements'],
      targets: ['contexts', 'initial', 'feedback', 'refinements', 'scores'],
      finetuned: ['contexts', 'targets'],
    };
    const file = (name: string) => (name === 'finetuned' ? name : `${name}.arrow`);
    for (const [out, command] of commands) {
      const tables = (inputs[out] ?? []).flatMap((input) => [`--${input}`, file(input)]);
      const finished = await inProcess([...command, ...tables, '--out', file(out)], { cwd });
      expect(finished).toEqual({ code: 0, stdout: '', stderr: '' });
    }
    const heldout = join(undisturbed, 'heldout', 'contexts.arrow');
    const kl = ['kl', '--data', heldout, '--model', 'finetuned', '--base', base, '--out', 'report', '--json'];
    const { stdout } = await inProcess([...kl, ...sampling], { cwd });
    expect(JSON.parse(stdout).kl).toEqual(numbersOf(undisturbed).kl);
    // The report's folder has a page and a document, too.
    renameSync(join(cwd, 'report', 'kl.arrow'), join(cwd, 'kl.arrow'));
    rmSync(join(cwd, 'report'), { recursive: true });
    expect(filesBelow(cwd).length).toBe(14);
    for (const made of filesBelow(cwd))
      expect(bytes(join(cwd, made)) === bytes(join(round, made)), made).toBe(true);
  });
});

describe('another engine', () => {
  const changed = (to: Record<string, string>) => words.map((word, i) => to[words[i - 1]!] ?? word);
  const small = changed({ '--contexts': '2', '--heldout': '2' });

  // On webgpu, which the CPU draws, it would take half a minute; doctor.test.ts generates and scores on it.
  const others = backends.filter((name) => ['wasm', 'tensorflow'].includes(name));
  it.each(others)('%s runs the loop too', async (engine) => {
    const run = join(dir, engine);
    const finished = await cli([...small, '--engine', engine, '--run', run], { cwd: dir });
    expect(finished).toMatchObject({ code: 0, stderr: '' });
    expect(JSON.parse(finished.stdout).options.engine).toBe(engine);
  });

  it.runIf(backends.includes('cuda-emulated'))('so does --gpu, on the CUDA kernels, emulated', async () => {
    vi.stubEnv('ILF_CUDA_EMULATED', '1');
    const finished = await cli([...small, '--gpu', '--run', join(dir, 'gpu')], { cwd: dir });
    vi.unstubAllEnvs();
    expect(finished).toMatchObject({ code: 0, stderr: '' });
    expect(JSON.parse(finished.stdout).options).toMatchObject({ engine: 'cuda', precision: 'bfloat16' });
  });

  it.runIf(hasAddon)('and so does cpu in bfloat16, in a folder of its own', async () => {
    const cwd = join(dir, 'precisions');
    mkdirSync(cwd);
    const runs = [];
    for (const precision of ['float32', 'bfloat16']) {
      const finished = await inProcess([...small, '--precision', precision], { cwd });
      expect(finished).toMatchObject({ code: 0, stderr: '' });
      const { options, run } = JSON.parse(finished.stdout);
      expect(options.precision).toBe(precision);
      const manifest: Manifest = JSON.parse(readFileSync(join(run, 'manifest.json'), 'utf8'));
      expect(manifest.options.precision).toBe(precision);
      runs.push(run);
    }
    const tuned = runs.map((run) => bytes(join(run, 'round-1', 'finetuned', 'model.safetensors')));
    expect(tuned[0]).not.toBe(tuned[1]);
    expect(readdirSync(join(cwd, 'checkpoints')).length).toBe(2);
  });
});
