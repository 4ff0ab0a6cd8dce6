import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

/** These replace modules of the program (vi.mock), each by its own, so each has modules for itself; the others share what is loaded. */
const mocking = [
  'tests/rankers/absent-package.test.ts',
  'tests/net/{atomic,check-run,invariants,lock,net,seeds}.test.ts',
  'tests/net/experiment/*.test.ts',
];

/**
 * What runs the program in processes of its own, or for long, or in a browser: `npm run test:whole`. Those of them that replace modules
 * are alone, too.
 */
const whole = [
  'tests/bench/{bench,gpu}.test.ts',
  'tests/cli/*.test.ts',
  'tests/ilf/untrained.test.ts',
  'tests/kernels/cuda-limits.test.ts',
  'tests/kernels/pack.test.ts',
  'tests/library/projects.test.ts',
  'tests/mutate/mutate.test.ts',
  'tests/report/*browser.test.ts',
  'tests/text/hostile.test.ts',
];
const wholeAlone = ['tests/net/{check-run,invariants}.test.ts', 'tests/net/experiment/*.test.ts'];

// As many files at a time as there are cores, up to four (models in memory), each on one thread: most tests wait for programs that
// they start, which use one. What threads change, tests/kernels and tests/engine set for themselves.
export default defineConfig({
  test: {
    globalSetup: ['tests/helpers/software-gpu.ts'],
    env: { ILF_THREADS: '1' },
    maxWorkers: Math.min(4, availableParallelism()),
    testTimeout: 120_000,
    hookTimeout: 120_000,
    pool: 'forks',
    projects: [
      { extends: true, test: { name: 'alone', include: mocking, exclude: wholeAlone } },
      {
        extends: true,
        test: {
          name: 'together',
          include: ['tests/**/*.test.ts'],
          exclude: [...mocking, ...whole],
          isolate: false,
        },
      },
      { extends: true, test: { name: 'whole-alone', include: wholeAlone } },
      { extends: true, test: { name: 'whole', include: whole, isolate: false } },
    ],
  },
});
