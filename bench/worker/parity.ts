/** The checks that the tests make of every engine, on this one. */
import { startEngine } from '../../src/engine/index.js';
import { parityChecks, sampler } from '../../tests/engine/parity.js';
import type { Checked, Job, ParityNews, Report } from '../report.js';
import { type Opened, openEngine } from './engine.js';
import { peakRssMiB, report } from './time.js';

const tell = (news: ParityNews) => console.log(JSON.stringify(news));

/** Whether nothing can be computed any more: some errors of a GPU end its context, and show in all that comes after. */
function isLost({ gpu }: Opened): boolean {
  try {
    gpu?.native.synchronize();
    return false;
  } catch {
    return true;
  }
}

export async function checkParity(job: Extract<Job, { work: 'parity' }>): Promise<Report> {
  const opened = await openEngine(job);
  const { name: engine, precision } = opened;
  const use = () => startEngine(engine, { precision });
  for (const { name, tolerance, run } of parityChecks({ precision, use }).slice(job.from ?? 0)) {
    tell({ begins: { name, tolerance } });
    let error: string | undefined;
    const difference = await run().catch((reason: unknown) => {
      // The others are worth knowing, too.
      error = String(reason instanceof Error ? reason.message : reason).split('\n')[0]!;
      return Number.NaN;
    });
    const checked: Checked = {
      name,
      difference: Number.isFinite(difference) ? difference : null,
      tolerance,
      ok: difference <= tolerance,
      ...(error !== undefined && { error }),
    };
    tell({ checked });
    if (error !== undefined && isLost(opened))
      return { subject: opened.describe(), rates: {}, peakRssMiB: peakRssMiB(), lost: true };
  }
  await use();
  return report(opened, {});
}

export async function draw(job: Extract<Job, { work: 'draw' }>): Promise<Report> {
  const opened = await openEngine(job);
  const { name, precision } = opened;
  const drawn = await sampler({ precision, use: () => startEngine(name, { precision }) });
  return { ...report(opened, {}), drawn };
}
