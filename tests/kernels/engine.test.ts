import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { expect, it } from 'vitest';
import { addon, blank, native, random } from './harness.js';

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

it('counts the bytes it holds, and those of a thread until it ends', async () => {
  native.setThreads(1);
  const n = 500;
  const a = random(n * n, 2);
  const square = () => native.gemm(n, n, n, a, true, a, false, blank(n * n), false);
  square();
  const held = native.bytes();
  // The right operand, packed, is as large as it is.
  expect(held).toBeGreaterThanOrEqual(n * n * 4);
  square();
  expect(native.bytes()).toBe(held);

  const worker = new Worker(
    `const { parentPort, workerData } = require('node:worker_threads');
     const native = require(workerData.addon);
     const [n, a] = [workerData.n, new Float32Array(workerData.n ** 2)];
     native.gemm(n, n, n, a, true, a, false, new Float32Array(n * n), false);
     parentPort.postMessage(native.bytes());
     parentPort.once('message', () => parentPort.close());`,
    { eval: true, workerData: { addon, n } },
  );
  const [both] = await once(worker, 'message');
  expect(both).toBeGreaterThanOrEqual(held + n * n * 4);
  worker.postMessage('end');
  await once(worker, 'exit');
  expect(native.bytes()).toBe(held);
});
