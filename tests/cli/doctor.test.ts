// `doctor` and `--gpu` through the real command line: a broken addon is a line in the report, in whatever way it breaks.
import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import type { EngineReport, Examination } from '../../src/doctor/types.js';
import { ENGINES } from '../../src/engine/engines/kind.js';
import { initialTable, readContexts } from '../../src/pipeline/tables.js';
import { readTable } from '../../src/store/tables.js';
import { prompts } from '../../src/tasks/summarization.js';
import { loadTokenizer } from '../../src/text/tokenizer.js';
import { hasAddon, hasWebgpu } from '../engine/harness.js';
import { buildOnce, cli, type Finished } from '../helpers/cli.js';
import { inProcess } from '../helpers/in-process.js';
import writeTinyModels from '../helpers/tiny-models.js';
import { scratchFolder } from '../store/folder.js';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const dir = scratchFolder();

// A busy machine needs its time.
vi.setConfig({ testTimeout: 300_000 });
/** What `doctor --json` ends with here. */
let examined: Finished;
beforeAll(async () => {
  buildOnce();
  examined = await cli(['doctor', '--json'], { cwd: dir });
}, 180_000);
/** Without the GPU that the CPU draws, which takes as long as all else. */
const withoutDrawnGpu = () => {
  vi.stubEnv('VK_ICD_FILENAMES', '');
  vi.stubEnv('LD_LIBRARY_PATH', '');
};
afterEach(() => void vi.unstubAllEnvs());

const parsed = ({ stdout }: Finished) => JSON.parse(stdout) as Examination;
const engineOf = (examination: Examination, name: string) =>
  examination.engines.find((engine) => engine.name === name)!;

/** The program in a folder of its own, to be broken there. */
function copyOfProgram(name: string): string {
  const copy = join(dir, name);
  mkdirSync(join(copy, 'build'), { recursive: true });
  for (const part of ['dist', 'package.json', 'train.js'])
    cpSync(join(root, part), join(copy, part), { recursive: true });
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
  return copy;
}

const doctorOf = (copy: string): Promise<Finished> =>
  new Promise((resolve) => {
    withoutDrawnGpu();
    execFile(process.execPath, [join(copy, 'train.js'), 'doctor', '--json'], (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code) : 0, stdout, stderr }),
    );
  });

/** What a copy says of the engine cpu, and of no other. */
const cpuOf = (copy: string): Promise<EngineReport> =>
  new Promise((resolve, reject) => {
    const script = join(copy, 'examine.js');
    writeFileSync(
      script,
      `import { examineEngine } from './dist/src/doctor/engines.js';
      console.log(JSON.stringify(await examineEngine('cpu')));`,
    );
    execFile(process.execPath, [script], (error, stdout) =>
      error ? reject(error) : resolve(JSON.parse(stdout)),
    );
  });

describe('doctor', () => {
  it('says in JSON what is here and which engines compute', () => {
    const found = parsed(examined);
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
    expect(found.version).toBe(version);
    expect(found.system.map(({ what }) => what)).toEqual(
      expect.arrayContaining(['Node.js', 'CPU', 'memory', 'C++ compiler', 'nvcc', 'NVIDIA driver', 'GPU']),
    );
    expect(found.system.find(({ what }) => what === 'Node.js')!.found).toBe(process.versions.node);
    expect(found.engines.map(({ name }) => name)).toEqual([...ENGINES]);
    for (const { works, trials, problem } of found.engines) {
      expect(works).toBe(problem === null);
      if (works) expect(trials.length).toBeGreaterThan(0);
      for (const trial of trials) if (works) expect(trial.works).toBe(true);
    }
    expect(engineOf(found, 'wasm').works).toBe(true);
    expect(engineOf(found, 'cpu').works).toBe(hasAddon);
    expect(engineOf(found, 'webgpu').works).toBe(hasWebgpu);
    if (hasAddon)
      expect(engineOf(found, 'cpu').trials.map((t) => t.precision)).toEqual(['float32', 'bfloat16']);
    expect(found).toMatchObject({ byDefault: hasAddon ? 'cpu' : 'wasm', ok: true });
    expect(examined).toMatchObject({ code: 0, stderr: '' });
  });

  it('prints the same as a table, without colours where it is no terminal', async () => {
    withoutDrawnGpu();
    const { code, stdout, stderr } = await cli(['doctor'], { cwd: dir });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    for (const name of ENGINES)
      expect(stdout).toMatch(new RegExp(`^  ${name} +(works in|does not work)`, 'm'));
    expect(stdout).toMatch(/^A run computes on (cpu|wasm), with --gpu on /m);
    expect(stdout).not.toContain('\u001b');
    expect(stdout.split('\n').every((line) => line.length <= 80)).toBe(true);
  });

  it('reports an addon that was cut off', async () => {
    const copy = copyOfProgram('cut');
    writeFileSync(join(copy, 'build', 'ilf_cpu.node'), '\u007fELF');
    const finished = await doctorOf(copy);
    const found = parsed(finished);
    expect(engineOf(found, 'cpu')).toMatchObject({
      works: false,
      trials: [],
      problem: expect.stringMatching(/no native addon: .*does not load.*npm run build:native/),
    });
    expect(found).toMatchObject({ byDefault: 'wasm', ok: true });
    expect(finished).toMatchObject({ code: 0, stderr: '' });
  });

  const spoiltBy = (name: string, code: string): string => {
    const copy = copyOfProgram(name);
    const path = join(copy, 'dist', 'src', 'engine', 'addon.js');
    const own = readFileSync(path, 'utf8');
    expect(own).toContain('export function loadAddon');
    writeFileSync(path, `${own.replace('export function loadAddon', 'function loadOwn')}\n${code}`);
    cpSync(join(root, 'build', 'ilf_cpu.node'), join(copy, 'build', 'ilf_cpu.node'));
    return copy;
  };

  it.skipIf(!hasAddon)('survives an addon that ends the process', async () => {
    const copy = spoiltBy('crash', `export function loadAddon() { process.kill(process.pid, 'SIGSEGV'); }`);
    const finished = await doctorOf(copy);
    const found = parsed(finished);
    expect(engineOf(found, 'cpu').problem).toMatch(/its process ended by SIGSEGV/);
    expect(engineOf(found, 'wasm').works).toBe(true);
    // A run without options would end in the same way.
    expect(found).toMatchObject({ byDefault: 'cpu', ok: false });
    expect(finished.code).toBe(2);
    expect(finished.stderr).toMatch(/^error: the engine cpu, which a run takes, does not work: .*\n$/);
  });

  it.skipIf(!hasAddon)('sees that an addon computes nonsense', async () => {
    const copy = spoiltBy(
      'wrong',
      `export function loadAddon() {
        const { native } = loadOwn();
        return { native: { ...native, gemm: (...args) => { native.gemm(...args); args[7][3] += 1; } }, path: '' };
      }`,
    );
    const { works, problem } = await cpuOf(copy);
    expect(problem).toMatch(/float32: a matrix product is wrong: .* npm run build:native/);
    expect(works).toBe(false);
  });
});

describe('--gpu', () => {
  it('ends with one line where no engine sees a GPU', async ({ skip }) => {
    const { onGpu } = parsed(examined);
    if (onGpu !== null) skip(`${onGpu} sees one`);
    withoutDrawnGpu();
    const words = ['--gpu', '--contexts', '2', '--heldout', '2', '--quiet'];
    const { code, stdout, stderr } = await cli(['contexts', '--count', '1', '--out', 'c.arrow'], {
      cwd: dir,
    });
    expect({ code, stdout, stderr }).toMatchObject({ code: 0 });
    for (const command of [[], ['generate', '--contexts', 'c.arrow', '--out', 'o.arrow']]) {
      const finished = await cli(command.length ? [...command, '--gpu'] : words, { cwd: dir });
      expect(finished.stderr).toMatch(
        /^error: --gpu: no engine computes on a GPU here \(.*webgpu: no .*\).*\n$/,
      );
      expect(finished).toMatchObject({ code: 2, stdout: '' });
    }
  });
});

describe.skipIf(!hasWebgpu)('--engine webgpu', () => {
  it('generates and scores, says nothing else, and ends by itself', async () => {
    const models = join(dir, 'models');
    await writeTinyModels(models);
    const model = ['--model', join(models, 'base'), '--quiet'];
    await inProcess(['contexts', '--count', '1', '--out', 'one.arrow'], { cwd: dir });
    const out = join(dir, 'initial.arrow');
    const words = ['--contexts', 'one.arrow', '--max-tokens', '3', '--out', out, '--engine', 'webgpu'];
    const generated = await cli(['generate', ...model, ...words], { cwd: dir });
    expect(generated).toEqual({ code: 0, stdout: '', stderr: '' });
    const [initial] = await readTable(out, initialTable);
    expect(initial!.ids.length).toBeGreaterThan(0);

    const data = join(dir, 'texts.jsonl');
    const [context] = await readContexts(join(dir, 'one.arrow'));
    const { encode } = await loadTokenizer(join(models, 'base'));
    const prompt = { prompt_ids: encode(prompts.write(context!.text)), completion_ids: initial!.ids };
    writeFileSync(data, `${JSON.stringify(prompt)}\n`);
    const scored = await inProcess(['score', ...model, '--data', data, '--engine', 'wasm', '--json'], {
      cwd: dir,
    });
    expect(scored).toMatchObject({ code: 0, stderr: '' });
    const { logprobs } = JSON.parse(scored.stdout) as { logprobs: number[] };
    // What the sampler said on webgpu, scored on wasm.
    expect(logprobs.reduce((a, b) => a + b, 0)).toBeCloseTo(initial!.logprob, 3);
  });
});
