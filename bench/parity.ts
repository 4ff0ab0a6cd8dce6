/**
 * bench parity: whether an engine computes what plain tfjs ops do: the fused operations with their gradients, a training, and
 * the sampler's log-probabilities (tests/engine/parity.ts). Says so with status 1 where it does not.
 */
import { ours, runChild } from './child.js';
import { commonOptions, type Given, settings } from './options.js';
import type { Outcome } from './outcome.js';
import type { Checked, Gpu } from './report.js';
import type { BenchTable } from './table.js';

const { engine, precision, threads, markdown } = commonOptions;
export const parityOptions = { engine, precision, threads, markdown };

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

export async function parity(given: Given): Promise<Outcome> {
  const { precisions, threads, engine } = settings(given);
  const outcome: Outcome = { bench: 'parity', tables: [], notes: [], results: [] };
  for (const precision of precisions) {
    const { subject, gpu, checks } = await runChild(ours({ work: 'parity', engine, threads, precision }));
    const result: ParityResult = { subject, precision, ...(gpu && { gpu }), checks: checks! };
    outcome.tables.push(table(result));
    outcome.results.push(result);
    const failures = result.checks.filter(({ ok }) => !ok).length;
    const of = `${result.checks.length} checks`;
    outcome.notes.push(
      `${subject}: ${failures === 0 ? `all ${of} hold` : `${failures} of ${of} do not hold`}`,
    );
    if (failures > 0) outcome.failed = true;
  }
  return outcome;
}
