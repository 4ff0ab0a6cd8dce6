/**
 * Loads the addons (building them where they are missing) and runs a test under every instruction set, with 1 and 2
 * threads, and by the CUDA kernels: emulated, and on a GPU where there is one.
 */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import type { Native } from '../../src/engine/native.js';
import { buildEmulated, mayEmulate } from '../helpers/emulated-cuda.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
export const addon = `${root}build/ilf_cpu.node`;
if (!existsSync(addon)) {
  execFileSync(process.execPath, [`${root}kernels/build/cpu.mjs`], {
    env: { ...process.env, ILF_REQUIRE_NATIVE: '1' },
    stdio: 'inherit',
  });
}

const load = (path: string) => createRequire(import.meta.url)(path) as Native;
/** The CPU's addon: what CUDA is held against where its own operations would take too long, emulated. */
export const cpu = load(addon);

/** The CUDA kernels compiled for the CPU. */
function emulated(): Native | null {
  if (!mayEmulate) return null;
  const failure = buildEmulated();
  if (failure !== null) throw new Error(failure);
  return load(`${root}build/ilf_cuda_emulated.node`);
}

/** The CUDA kernels on a GPU. */
function onGpu(): Native | null {
  try {
    const gpu = load(`${root}build/ilf_cuda.node`) as Native & { device(): unknown };
    gpu.device();
    return gpu;
  } catch {
    return null; // not built, or no GPU
  }
}

const devices = Object.entries({ 'cuda emulated': emulated(), cuda: onGpu() });
const cudas = devices.filter((c): c is [string, Native] => !!c[1]);

/** What this machine cannot run: skipped by name, so that it is seen. */
const absent = [
  ...['avx2', 'avx512', 'avx512bf16'].filter((isa) => !cpu.availableIsas().includes(isa)),
  ...devices.filter(([, addon]) => !addon).map(([device]) => device),
];

let current = cpu;
/** The addon in use: the CPU's, or what underEverySetting chose. */
export const native = new Proxy({} as Native, { get: (_, name) => Reflect.get(current, name) });
/** Whether the CUDA kernels are in use: additions in another order than the CPU's. */
export const isCuda = () => current !== cpu;

/** Every instruction set on one thread or on two, in turn, and the best there is on both. */
const settings = cpu
  .availableIsas()
  .flatMap((isa, i, all) =>
    (i === all.length - 1 ? [1, 2] : [2 - (i % 2)]).map((threads) => ({ isa, threads })),
  );

/** A describe block for each instruction set, with a number of threads, and for CUDA. */
export function underEverySetting(name: string, body: (use: () => void) => void): void {
  for (const { isa, threads } of settings)
    describe(`${name} (${isa}, ${threads} thread${threads > 1 ? 's' : ''})`, () => {
      body(() => {
        current = cpu;
        cpu.setIsa(isa);
        cpu.setThreads(threads);
      });
    });
  for (const setting of absent) it.skip(`${name} (${setting}): not on this machine`);
  for (const [device, addon] of cudas)
    describe(`${name} (${device})`, () => {
      body(() => {
        current = addon;
      });
      afterAll(() => {
        current = cpu;
      });
    });
}

/** The same for the emulated CUDA kernels with Hopper's own instructions, which emulation otherwise leaves out. */
export function emulatingHopper(name: string, body: (use: () => void) => void): void {
  const addon = devices[0]![1] as (Native & { hopperState(): string }) | null;
  if (!addon) {
    it.skip(`${name} (cuda emulated, Hopper): not on this machine`);
    return;
  }
  describe(`${name} (cuda emulated, Hopper)`, () => {
    const use = () => {
      current = addon;
      process.env.ILF_CUDA_HOPPER = '1';
    };
    it('passes its own check', () => {
      expect(addon.hopperState()).toMatch(/^not used: emulated/);
      use();
      expect(addon.hopperState()).toMatch(/^used: its results are within 0\.0\d+ of/);
      process.env.ILF_CUDA_HOPPER = '0';
      expect(addon.hopperState()).toBe('not used: ILF_CUDA_HOPPER is 0');
    });
    body(use);
    afterAll(() => {
      current = cpu;
      delete process.env.ILF_CUDA_HOPPER;
    });
  });
}

/** Uniform numbers in [-scale, scale), the same for the same seed (mulberry32). */
export function random(length: number, seed: number, scale = 1): Float32Array {
  let state = seed | 0;
  return new Float32Array(length).map(() => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return (((t ^ (t >>> 14)) >>> 0) / 2 ** 31 - 1) * scale;
  });
}

export function randomIds(length: number, end: number, seed: number): Int32Array {
  const ids = new Int32Array(length);
  random(length, seed).forEach((x, i) => {
    ids[i] = Math.min(end - 1, Math.floor(((x + 1) / 2) * end));
  });
  return ids;
}

/** An output array full of NaN, so that an element that is not written, or added to, shows. */
export const blank = (length: number): Float32Array => new Float32Array(length).fill(Number.NaN);

/** Fails where |actual − expected| > tolerance · (1 + |expected|) for any element. */
export function expectClose(actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance = 1e-5): void {
  expect(actual.length).toBe(expected.length);
  for (let i = 0; i < actual.length; i++) {
    const error = Math.abs(actual[i]! - expected[i]!);
    if (!(error <= tolerance * (1 + Math.abs(expected[i]!))))
      expect.fail(`element ${i}: ${actual[i]} instead of ${expected[i]}`);
  }
}

/** Fails where two arrays differ in any bit (NaN, not written, fails too). */
export function expectSameBits(actual: Float32Array, expected: Float32Array): void {
  expect(actual.length).toBe(expected.length);
  for (let i = 0; i < actual.length; i++)
    if (actual[i] !== expected[i]) expect.fail(`element ${i}: ${actual[i]} instead of ${expected[i]}`);
}

/** d loss / d x by central differences in float64, at every stride-th element; NaN elsewhere. */
export function differences(x: Float64Array, loss: () => number, stride = 1, step = 1e-5): Float64Array {
  const result = new Float64Array(x.length).fill(Number.NaN);
  for (let i = 0; i < x.length; i += stride) {
    const kept = x[i]!;
    x[i] = kept + step;
    const up = loss();
    x[i] = kept - step;
    const down = loss();
    x[i] = kept;
    result[i] = (up - down) / (2 * step);
  }
  return result;
}

const known = new Map<string, unknown>();
/** What `make` gives, made once under this name: references take longer than the kernels, and every setting has the same. */
export function remembered<T>(name: string, make: () => T): T {
  if (!known.has(name)) known.set(name, make());
  return known.get(name) as T;
}

/** expectClose where the expectation is not NaN. */
export function expectGradient(actual: Float32Array, expected: Float64Array, tolerance = 1e-4): void {
  expectClose(
    actual.filter((_, i) => !Number.isNaN(expected[i]!)),
    expected.filter((e) => !Number.isNaN(e)),
    tolerance,
  );
  for (const a of actual) if (Number.isNaN(a)) expect.fail('an element of the gradient was not written');
}

export const dot = (a: ArrayLike<number>, b: ArrayLike<number>): number => {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
};
