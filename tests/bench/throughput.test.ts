import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { buildOnce } from '../helpers/cli.js';

const bench = join(dirname(fileURLToPath(import.meta.url)), '..', '..', 'dist', 'bench', 'throughput.js');
const run = (...words: string[]) => spawnSync(process.execPath, [bench, ...words], { encoding: 'utf8' });

describe('npm run bench', () => {
  beforeAll(buildOnce, 120_000);

  it('prints a table and, last, one JSON document', () => {
    const { stdout, stderr, status } = run('--quick');
    expect(status, stderr).toBe(0);
    const lines = stdout.trimEnd().split('\n');
    const { results, peakRssMiB, quick } = JSON.parse(lines.at(-1)!) as {
      quick: boolean;
      peakRssMiB: number;
      results: {
        work: string;
        parameters: number;
        tokens: number;
        repetitions: number;
        tokensPerSecond: { median: number; min: number; max: number };
        kernelShare: number | null;
      }[];
    };
    expect(quick).toBe(true);
    expect(peakRssMiB).toBeGreaterThan(10);
    expect(results.map(({ work, tokens }) => [work, tokens])).toEqual([
      ['training', 32],
      ['generation', 32],
      ['training', 32],
      ['generation', 32],
    ]);
    expect(results.at(-1)!.parameters / 1e6).toBeCloseTo(3.7, 1);
    for (const { tokensPerSecond: rate, kernelShare, repetitions } of results) {
      expect(repetitions).toBe(3);
      expect(rate.min).toBeGreaterThan(0);
      expect(rate.median).toBeGreaterThanOrEqual(rate.min);
      expect(rate.max).toBeGreaterThanOrEqual(rate.median);
      // Native time cannot be more than all time, nor nothing where there is a native engine.
      if (kernelShare !== null) expect(kernelShare > 0 && kernelShare <= 1).toBe(true);
    }
    // The table names what the JSON holds.
    expect(lines.filter((line) => /training|generation/.test(line)).length).toBeGreaterThanOrEqual(4);
  }, 120_000);

  it('refuses what it does not know, in one line', () => {
    const { stderr, status } = run('--fast');
    expect(status).toBe(2);
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect(stderr).toMatch(/--quick/);
  });
});
