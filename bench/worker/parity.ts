/** The checks that the tests make of every engine, on this one. */
import { startEngine } from '../../src/engine/index.js';
import { parityChecks } from '../../tests/engine/parity.js';
import type { Checked, Job, Report } from '../report.js';
import { openEngine } from './engine.js';
import { report } from './time.js';

export async function checkParity(job: Extract<Job, { work: 'parity' }>): Promise<Report> {
  const opened = await openEngine(job);
  const { name: engine, precision } = opened;
  const checks: Checked[] = [];
  const use = () => startEngine(engine, { precision });
  for (const { name, tolerance, run } of parityChecks({ precision, use }))
    try {
      const difference = await run();
      const ok = difference <= tolerance;
      checks.push({ name, difference: Number.isFinite(difference) ? difference : null, tolerance, ok });
    } catch (error) {
      // The others are worth knowing, too.
      const message = String(error instanceof Error ? error.message : error).split('\n')[0]!;
      checks.push({ name, difference: null, tolerance, ok: false, error: message });
    }
  await use();
  return { ...report(opened, {}), checks };
}
