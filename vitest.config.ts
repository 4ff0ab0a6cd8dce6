import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

// As many files at a time as there are cores, up to four (models in memory), each on one thread: most tests wait for programs that
// they start, which use one. What threads change, tests/kernels and tests/engine set for themselves.
export default defineConfig({
  test: {
    include: ['tests/**/*.test.ts'],
    globalSetup: ['tests/helpers/software-gpu.ts'],
    env: { ILF_THREADS: '1' },
    maxWorkers: Math.min(4, availableParallelism()),
    testTimeout: 120_000,
    hookTimeout: 120_000,
    pool: 'forks',
  },
});
