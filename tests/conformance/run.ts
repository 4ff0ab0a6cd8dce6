/**
 * Runs the conformance tests that tfjs-core publishes in its package on the `cpu` engine, under jasmine as
 * tfjs runs them on its own backends: `npm run test:conformance`. Prints the tests that fail and a line of
 * totals; exit status 1 if any fails, or if exclusions.ts is stale.
 *
 * Order and random numbers are fixed, for some tests judge samples by their statistics. Leaves out: the tests
 * that tfjs registers in browsers only, or for its backend named "cpu" only (tests/engine/tfjs.test.ts has those).
 */
import { createRequire, register } from 'node:module';
import { loadAddon } from '../../src/engine/addon.js';
import { type EngineName, startEngine } from '../../src/engine/index.js';
import * as tf from '../../src/engine/tf.js';
import { EXCLUSIONS } from './exclusions.js';
import { poisonPool } from './poison.js';

/** How many tests tfjs-core 4.22.0 has for a backend in Node: fewer means that some were not loaded. */
const EXPECTED_TESTS = 4230;

interface Result {
  fullName: string;
  status: string;
  failedExpectations: { message: string }[];
}
interface JasmineEnv {
  configure(options: { random: boolean }): void;
  addReporter(reporter: { specDone(result: Result): void; suiteDone(result: Result): void }): void;
  execute(): Promise<{ failedExpectations: Result['failedExpectations'] }>;
}
interface Jasmine {
  DEFAULT_TIMEOUT_INTERVAL: number;
  getEnv(): JasmineEnv;
}

const require = createRequire(import.meta.url);

function fixRandomNumbers(): void {
  let state = 1;
  Math.random = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/**
 * Describes tfjs-core's tests to jasmine, for the current engine. They bring a copy of tfjs-core that shares
 * its registries with ours, and no gradients: those are the engine's.
 */
async function loadTests(): Promise<void> {
  register('./hooks.js', import.meta.url);
  // Their jasmine_util expects CommonJS' require.
  Object.assign(globalThis, { require });
  const core = '@tensorflow/tfjs-core/dist';
  const { setTestEnvs } = await import(`${core}/jasmine_util.js`);
  const name = tf.getBackend();
  setTestEnvs([{ name, backendName: name, flags: {}, isDataSync: true }]);
  await import(`${core}/tests.js`);
}

/** What is wrong, a text each: failed tests and stale exclusions. Counts tests by what became of them. */
async function runTests(jasmine: Jasmine, counts: Record<string, number>): Promise<string[]> {
  const problems: string[] = [];
  const stale = new Map(EXCLUSIONS.map(({ test }) => [test, 'matches no test']));
  const env = jasmine.getEnv();
  const count = (what: string) => {
    counts[what] = (counts[what] ?? 0) + 1;
  };
  const fail = (name: string, failed: Result['failedExpectations']) =>
    problems.push([name, ...failed.map(({ message }) => `    ${message}`)].join('\n'));
  env.configure({ random: false });
  env.addReporter({
    specDone({ fullName, status, failedExpectations }) {
      if (!stale.has(fullName)) {
        count(status);
        if (status === 'failed') fail(fullName, failedExpectations);
      } else {
        count('excluded');
        if (status === 'failed') stale.set(fullName, '');
        else stale.set(fullName, `is excluded, but ${status}`);
      }
    },
    suiteDone({ fullName, failedExpectations }) {
      if (failedExpectations.length > 0) fail(fullName, failedExpectations);
    },
  });
  const { failedExpectations } = await env.execute();
  if (failedExpectations.length > 0) fail('outside of any test', failedExpectations);
  for (const [test, why] of stale) if (why) problems.push(`exclusions.ts: "${test}" ${why}`);
  return problems;
}

async function main(): Promise<void> {
  const addon = loadAddon();
  if (!addon.native) {
    console.error(
      `conformance: ${addon.reason}, so nothing was tested; run "npm run build:native", which says why`,
    );
    process.exitCode = 1;
    return;
  }
  fixRandomNumbers();
  poisonPool();
  const jasmine: Jasmine = require('jasmine-core').boot();
  jasmine.DEFAULT_TIMEOUT_INTERVAL = 20_000;
  const engine = await startEngine((process.argv[2] as EngineName | undefined) ?? 'cpu');
  const start = performance.now();
  const counts: Record<string, number> = {};
  const { log, warn } = console;
  // Tests of debug mode and of warnings print.
  Object.assign(console, { log() {}, warn() {} });
  await loadTests();
  const problems = await runTests(jasmine, counts);
  Object.assign(console, { log, warn });
  const { passed = 0, failed = 0, pending = 0, excluded = 0 } = counts;
  const total = passed + failed + pending + excluded;
  if (total < EXPECTED_TESTS) problems.push(`${total} tests were loaded, not ${EXPECTED_TESTS}`);
  for (const problem of problems) console.log(problem);
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  console.log(
    `conformance of ${engine.describe()}: ${passed} passed, ${failed} failed, ${excluded} excluded, ` +
      `${pending} switched off by tfjs; ${seconds} s`,
  );
  if (problems.length > 0) process.exitCode = 1;
}

await main();
