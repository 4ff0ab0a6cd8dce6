// The order of a bench's parts, and what becomes of them within a budget: by a clock that only the parts move.
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { type Budget, budgetOf, half, TimeUp } from '../../bench/budget.js';
import { ChildError, output } from '../../bench/child.js';
import { gpuParts } from '../../bench/gpu.js';
import { benchDir, type ModelName } from '../../bench/models.js';
import { settings } from '../../bench/options.js';
import type { Outcome } from '../../bench/outcome.js';
import { inOrderOfWorth, type Part, runParts } from '../../bench/parts.js';
import { fastest, type Peer } from '../../bench/peers.js';
import { train } from '../../bench/train.js';
import { UserError } from '../../src/store/errors.js';
import { isAlive } from '../../src/store/owner.js';

let clock = 0;
const seconds = (all: number) => budgetOf(all, () => clock);
beforeEach(() => {
  clock = 0;
  vi.spyOn(console, 'error').mockImplementation(() => {});
});

/** A part that takes `takes` seconds of the clock; it ends late where the budget ends first, as a child does. */
const part = (name: string, least: number, takes: number, budget: Budget): Part => ({
  name,
  bench: 'train',
  model: null,
  beside: false,
  least,
  run: async (outcome) => {
    outcome.results.push('begun');
    const left = budget.left();
    clock += Math.min(takes, left);
    if (takes > left) throw new TimeUp();
    outcome.results.push('ended');
  },
});

async function run(parts: readonly Part[], budget: Budget): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  await runParts(
    parts,
    budget,
    () => {},
    async (outcome) => {
      outcomes.push(outcome);
    },
  );
  return outcomes;
}
const states = (outcomes: Outcome[]) => outcomes.map(({ part, state }) => [part, state]);

const peer: Peer = {
  name: 'PyTorch',
  python: 'python',
  compiles: true,
  fused: true,
  openblas: false,
  transformers: null,
  cuda: null,
};

describe('the order of worth', () => {
  const inOrder = (parts: Part[], models: ModelName[]) =>
    inOrderOfWorth(parts, models).map(({ bench, model, beside }) =>
      [bench, model, beside && 'beside'].filter(Boolean).join(' '),
    );

  it('parity, the main model, the second, peers', () => {
    const gpu = { multiprocessors: 1 } as Parameters<typeof gpuParts>[2];
    const given = { engine: 'cuda' as const };
    expect(inOrder(gpuParts(given, [peer], gpu), ['124M', '355M'])).toEqual([
      ...['parity', 'parity', 'products'],
      ...['train 124M', 'generate 124M', 'generate 124M', 'generate 124M', 'kl 124M'],
      'train 355M',
      ...['train 124M', 'generate 124M', 'generate 124M', 'generate 124M', 'kl 124M'].map(
        (x) => `${x} beside`,
      ),
      'train 355M beside',
    ]);
    const names = gpuParts({ ...given, part: ['generate'] }, [], gpu).map(({ name }) => name);
    expect(names.map((name) => /, (\d+) prompts/.exec(name)![1])).toEqual(['64', '1', '512']);
    const small = { ...given, model: ['3.7M' as const], part: ['train' as const, 'kl' as const] };
    expect(inOrder(gpuParts(small, [], gpu), ['3.7M'])).toEqual(['train 3.7M', 'kl 3.7M']);
  });

  it('the first model named is the main one', () => {
    const model: ModelName[] = ['3.7M', 'embedded'];
    expect(inOrder(train({ model, precision: ['float32', 'bfloat16'] }, [peer]), model)).toEqual([
      ...['train 3.7M', 'train 3.7M', 'train embedded', 'train embedded'],
      ...['train 3.7M', 'train 3.7M', 'train embedded', 'train embedded'].map((name) => `${name} beside`),
    ]);
  });
});

describe('within a budget', () => {
  it('what has too little time is skipped, what fits behind it is not', async () => {
    const budget = seconds(31);
    const parts = [
      part('a', 5, 20, budget),
      part('long', 15, 20, budget),
      part('b', 5, 8, budget),
      part('c', 5, 1, budget),
    ];
    const outcomes = await run(parts, budget);
    expect(states(outcomes)).toEqual([
      ['a', 'done'],
      ['long', 'skipped'],
      ['b', 'done'],
      ['c', 'skipped'],
    ]);
    // 31 s, of which the last is for the ending.
    expect(outcomes[1]!.notes).toEqual(['long: SKIPPED, 10 s left, it takes at least 15 s']);
    expect(outcomes[1]!.results).toEqual([]);
    expect(console.error).toHaveBeenCalledWith('part 1 of 4: a; 30 s left');
    expect(console.error).toHaveBeenCalledWith('part 3 of 4: b; 10 s left');
  });

  it('what overruns is cut, and what it had measured is kept', async () => {
    const budget = seconds(11);
    const [outcome, next] = await run([part('a', 5, 20, budget), part('b', 1, 1, budget)], budget);
    expect(outcome).toMatchObject({ state: 'cut', results: ['begun'], notes: ['a: CUT, the time was up'] });
    expect(next!.state).toBe('skipped');
    expect(budget.left()).toBe(0);
  });

  it('without one, all of it runs', async () => {
    const budget = budgetOf(undefined);
    expect(states(await run([part('a', 1e9, 1e9, budget), part('b', 1e9, 1, budget)], budget))).toEqual([
      ['a', 'done'],
      ['b', 'done'],
    ]);
    expect(console.error).toHaveBeenCalledWith('part 1 of 2: a');
  });

  it('is handed out part by part, whatever comes after', async () => {
    const budget = budgetOf(undefined);
    const broken = { ...part('b', 0, 0, budget), run: () => Promise.reject(new TypeError('a bug')) };
    const seen: string[] = [];
    const parts = [part('a', 0, 0, budget), broken, part('c', 0, 0, budget)];
    const all = runParts(
      parts,
      budget,
      () => {},
      async ({ part }) => {
        seen.push(part);
      },
    );
    await expect(all).rejects.toThrow('a bug');
    expect(seen).toEqual(['a']);
  });

  it('one that fails does not stop the others', async () => {
    const budget = budgetOf(undefined);
    const fails = (error: Error) => ({ ...part('f', 0, 0, budget), run: () => Promise.reject(error) });
    const outcomes = await run(
      [fails(new ChildError('no luck', false)), fails(new UserError('not so')), part('a', 0, 0, budget)],
      budget,
    );
    expect(outcomes.map(({ state }) => state)).toEqual(['failed', 'failed', 'done']);
    expect(outcomes[0]!.notes).toEqual(['f: FAILED, no luck']);
  });

  it('a trial has half of it', () => {
    const budget = seconds(21);
    const trial = half(budget);
    expect(trial.left()).toBe(10);
    clock = 4;
    expect([trial.left(), budget.left()]).toEqual([6, 16]);
    expect(half(budgetOf(undefined)).left()).toBe(Infinity);
  });

  it('a mode that has no time left is not waited for', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'bench-trial-'));
    const script = join(dir, 'peer.mjs');
    const report = JSON.stringify({ subject: 'P', rates: { train: [7] }, peakRssMiB: 1 });
    writeFileSync(script, `if (process.argv.includes('slow')) for (;;); else console.log('${report}');`);
    // What the trial keeps, then what is left before each mode.
    const left = [4, 62, 2.2];
    const work = {
      script: relative(join(benchDir, 'peers'), script),
      args: [],
      threads: 1,
      modes: [
        { label: 'quick', args: [] },
        { label: 'late', args: ['slow'] },
      ],
      trialArgs: [],
      quick: false,
    };
    const found = await fastest({ ...peer, python: process.execPath }, work, { left: () => left.shift()! });
    expect(found.contender!.args).not.toContain('slow');
    expect(found.note).toMatch(/fastest first: quick 7; late not tried to its end: too little time$/);
    rmSync(dir, { recursive: true, force: true });
  });

  it('is that of the command', () => {
    expect(settings({}).budget.left()).toBe(Infinity);
    expect(settings({ seconds: 1_000_000 }).budget.left()).toBeGreaterThan(900_000);
  });

  it('beside peers ours alone takes one round first', () => {
    const [alone, beside] = train({}, [peer]);
    expect([alone!.beside, beside!.beside]).toEqual([false, true]);
    expect(beside!.name).toBe(`${alone!.name}, beside peers`);
    expect(beside!.least).toBeGreaterThan(alone!.least);
    expect(train({}, []).map(({ beside }) => beside)).toEqual([false]);
  });
});

describe('a child', () => {
  const dir = mkdtempSync(join(tmpdir(), 'bench-child-'));
  const node = (script: string) => ({ command: process.execPath, args: ['-e', script] });

  it('is killed when the time is up, and hears nothing of it', async () => {
    const file = join(dir, 'pid');
    const deaf = `process.on('SIGTERM', () => {}); require('fs').writeFileSync(${JSON.stringify(file)}, String(process.pid));
      for (;;);`;
    // Real time, as the child's is: enough to start in.
    let left = 0.5;
    while (!existsSync(file) || readFileSync(file, 'utf8') === '')
      await expect(output(node(deaf), { left: () => (left *= 2) })).rejects.toBeInstanceOf(TimeUp);
    await vi.waitFor(() => expect(isAlive(Number(readFileSync(file, 'utf8')))).toBe(false));
    rmSync(dir, { recursive: true, force: true });
  });

  it('is not started without time', async () => {
    await expect(output(node(''), { left: () => 0 })).rejects.toBeInstanceOf(TimeUp);
  });

  it('that ends in time says what it says; a limit beyond any timer is none', async () => {
    expect(await output(node('console.log(1)'), { left: () => 1e12 })).toBe('1\n');
    await expect(output(node('process.exit(1)'), { left: () => 60 })).rejects.toBeInstanceOf(ChildError);
  });
});
