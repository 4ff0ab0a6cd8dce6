/**
 * bench parity: whether an engine computes what plain tfjs ops do: the fused operations with their gradients, a training, and
 * the sampler's log-probabilities (tests/engine/parity.ts). Says so with status 1 where it does not.
 */
import { ours, runChild } from './child.js';
import { commonOptions, type Given, settings } from './options.js';
import type { Part } from './parts.js';
import type { Checked, Gpu } from './report.js';
import type { BenchTable } from './table.js';

const { engine, precision, threads, seconds, markdown, out } = commonOptions;
export const parityOptions = { engine, precision, threads, seconds, markdown, out };

export interface ParityResult {
  subject: string;
  precision: string;
  gpu?: Gpu;
  checks: Checked[];
}

function table({ subject, checks }: ParityResult): BenchTable {
  const close = (x: number) => x.toExponential(1);
  return {
    title: `parity with plain tfjs ops: ${subject}`,
    head: ['check', 'largest relative difference', 'tolerance', 'ok'],
    rows: checks.map(({ name, difference, tolerance, ok, error }) => [
      name,
      difference === null ? (error ?? 'not finite') : close(difference),
      close(tolerance),
      ok ? 'yes' : 'NO',
    ]),
  };
}

/** A part for each precision. */
export function parity(given: Given): Part[] {
  const { precisions, threads, engine, budget } = settings(given);
  return precisions.map((precision) => ({
    name: `parity, ${precision}`,
    bench: 'parity',
    model: null,
    beside: false,
    least: 2,
    run: async (outcome) => {
      const job = { work: 'parity' as const, engine, threads, precision };
      const { subject, gpu, checks } = await runChild(ours(job), budget);
      const result: ParityResult = { subject, precision, ...(gpu && { gpu }), checks: checks! };
      outcome.tables.push(table(result));
      outcome.results.push(result);
      const failures = result.checks.filter(({ ok }) => !ok).length;
      const of = `${result.checks.length} checks`;
      outcome.notes.push(
        `${subject}: ${failures === 0 ? `all ${of} hold` : `${failures} of ${of} do not hold`}`,
      );
      if (failures > 0) outcome.state = 'failed';
    },
  }));
}
