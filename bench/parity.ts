/**
 * bench parity: whether an engine computes what plain tfjs ops do: the fused operations with their gradients, a training, and
 * the sampler's log-probabilities (tests/engine/parity.ts). Says so with status 1 where it does not.
 *
 * One fault does not hide the others: a process that breaks, or whose GPU's context is lost, is that check's failure, and a new
 * one goes on behind it. On CUDA the sampler runs in processes of its own, with overlapping kernels and graphs on and off.
 */
import { COMBINATIONS, GRAPHS, OVERLAP, UNBLOCKED } from '../src/engine/engines/cuda/combinations.js';
import { type Budget, TimeUp } from './budget.js';
import { ChildError, type Contender, ours, runChild, runToEnd } from './child.js';
import { commonOptions, type Given, settings } from './options.js';
import type { Part } from './parts.js';
import type { Checked, Drawn, Gpu, Job, ParityNews, Report } from './report.js';
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
      error ?? (difference === null ? 'not finite' : close(difference)),
      close(tolerance),
      ok ? 'yes' : 'NO',
    ]),
  };
}

/** What a process of the job `parity` printed; begun: the check that it did not end. */
function read(stdout: string): {
  checked: Checked[];
  begun: Omit<Checked, 'ok' | 'difference'> | null;
  report: Report | null;
} {
  const checked: Checked[] = [];
  let begun = null;
  let report: Report | null = null;
  for (const line of stdout.split('\n').filter((text) => text.startsWith('{'))) {
    const news = JSON.parse(line) as ParityNews | Report;
    if ('begins' in news) begun = news.begins;
    else if ('checked' in news) {
      checked.push(news.checked);
      begun = null;
    } else report = news;
  }
  return { checked, begun, report };
}

const isCuda = (job: Job) => job.engine === 'cuda';

/** Seconds that a process may take, many times what it needs: longer is a kernel that never ends. */
const SECONDS = { parity: 300, draw: 60 };
type Work = keyof typeof SECONDS;
const limited = ({ left }: Budget, work: Work): Budget => ({ left: () => Math.min(SECONDS[work], left()) });

/** Why a process did not come to its end. @throws TimeUp where it is because the whole command's time is up */
function reasonOf(error: unknown, budget: Budget, work: Work): string {
  if (error instanceof TimeUp && budget.left() > 0) return `it did not end in ${SECONDS[work]} s`;
  if (error instanceof ChildError) return `its process ended: ${error.message}`;
  throw error;
}

/** Adds the checks as their processes end. @throws ChildError or TimeUp where one does not come to any check */
async function checkAll(
  job: Extract<Job, { work: 'parity' }>,
  budget: Budget,
  to: ParityResult,
): Promise<void> {
  // A launch ends before the next begins, so that an error shows where it is made.
  const env: Contender['env'] = isCuda(job) ? { CUDA_LAUNCH_BLOCKING: '1' } : {};
  const { checks } = to;
  let report: Report | null = null;
  while (report === null || report.lost) {
    const from = checks.length;
    const { stdout, error } = await runToEnd(ours({ ...job, from }, env), limited(budget, job.work));
    const told = read(stdout);
    report = told.report;
    checks.push(...told.checked);
    if (report) Object.assign(to, { subject: report.subject, ...(report.gpu && { gpu: report.gpu }) });
    if (error === null) continue;
    const reason = reasonOf(error, budget, job.work);
    if (told.begun) checks.push({ ...told.begun, difference: null, ok: false, error: reason });
    else if (checks.length === from) throw error;
  }
}

/** What was drawn in one combination, held against its second pass and the first combination. */
function compared(drawn: Drawn, first: Drawn): Omit<Checked, 'name'> {
  const { difference, tolerance } = drawn;
  const other = (['tokens', 'logprobs'] as const).find((what) => String(drawn[what]) !== String(first[what]));
  // What is not finite is null in JSON.
  const ok = other === undefined && difference !== null && difference <= tolerance;
  return {
    difference,
    tolerance,
    ok,
    ...(other && { error: `${other} differ from the first combination's` }),
  };
}

/** The sampler must draw the same, and say the same of it, in every combination. @throws TimeUp */
async function checkSampler(
  job: Extract<Job, { work: 'draw' }>,
  budget: Budget,
  to: ParityResult,
): Promise<void> {
  let first: Drawn | null = null;
  for (const env of COMBINATIONS) {
    const set = Object.entries(env).map(([variable, value]) => `${variable} ${value === '1' ? 'on' : 'off'}`);
    const name = ['sampler', ...set].join(', ');
    try {
      const drawn = (await runChild(ours(job, { ...env, ...UNBLOCKED }), limited(budget, job.work))).drawn!;
      first ??= drawn;
      to.checks.push({ name, ...compared(drawn, first) });
    } catch (reason) {
      const error = reasonOf(reason, budget, job.work);
      to.checks.push({ name, difference: null, tolerance: 0, ok: false, error });
    }
  }
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
      const common = { engine, threads, precision };
      const result: ParityResult = { subject: engine ?? 'the default engine', precision, checks: [] };
      const job = { work: 'parity' as const, ...common };
      try {
        await checkAll(job, budget, result);
        if (isCuda(job)) await checkSampler({ work: 'draw', ...common }, budget, result);
        else
          outcome.notes.push(
            `${result.subject}: the sampler ran once, ${OVERLAP} and ${GRAPHS} are of the engine cuda`,
          );
      } finally {
        const { checks, subject } = result;
        const failures = checks.filter(({ ok }) => !ok).length;
        if (checks.length > 0) {
          outcome.tables.push(table(result));
          outcome.results.push(result);
          const of = `${checks.length} checks`;
          outcome.notes.push(
            `${subject}: ${failures === 0 ? `all ${of} hold` : `${failures} of ${of} do not hold`}`,
          );
        }
        if (failures > 0) outcome.state = 'failed';
      }
    },
  }));
}
