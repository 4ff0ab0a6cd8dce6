import { expect, it } from 'vitest';
import { blank, native, random } from './harness.js';

it('offers instruction sets and threads', () => {
  const isas = native.availableIsas();
  expect(isas[0]).toBe('portable');
  for (const isa of isas) {
    native.setIsa(isa);
    expect(native.isa()).toBe(isa);
  }
  expect(() => native.setIsa('mmx')).toThrow(RangeError);
  native.setThreads(2);
  expect(native.threads()).toBe(2);
  expect(() => native.setThreads(0)).toThrow(RangeError);
});

it('counts the time in kernels', () => {
  const a = random(200 * 200, 1);
  native.resetKernelNanoseconds();
  const start = performance.now();
  native.gemm(200, 200, 200, a, false, a, false, blank(200 * 200), false);
  const passed = (performance.now() - start) * 1e6;
  expect(native.kernelNanoseconds()).toBeGreaterThan(1000);
  expect(native.kernelNanoseconds()).toBeLessThanOrEqual(passed);
});
