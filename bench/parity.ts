/**
 * bench parity: whether an engine computes what plain tfjs ops do: the fused operations with their gradients, a training, and
 * the sampler's log-probabilities (tests/engine/parity.ts). Says so with status 1 where it does not.
 *
 * One fault does not hide the others: a process that breaks, or whose GPU's context is lost, is that check's failure, and a new
 * one goes on behind it. On CUDA the sampler runs in processes of its own, with overlapping kernels and graphs on and off.
 */
import type { Budget } from './budget.js';
import { type ChildError, type Contender, ours, runChild, runToEnd } from './child.js';
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

/** Adds the checks as their processes end. @throws ChildError where one does not come to any check, TimeUp */
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
    const ended = await runToEnd(ours({ ...job, from }, env), budget);
    const told = read(ended.stdout);
    report = told.report;
    checks.push(...told.checked);
    if (told.begun)
      checks.push({
        ...told.begun,
        difference: null,
        ok: false,
        error: `its process ended: ${ended.error?.message}`,
      });
    if (report) Object.assign(to, { subject: report.subject, ...(report.gpu && { gpu: report.gpu }) });
    if (report === null && checks.length === from) throw ended.error!;
  }
}

const SWITCHES = { overlap: 'ILF_CUDA_OVERLAP', graphs: 'ILF_CUDA_GRAPHS' };

/** In the order of suspicion: with both off nothing but the kernels themselves can be wrong. */
const COMBINATIONS = [
  { overlap: false, graphs: false },
  { overlap: true, graphs: false },
  { overlap: false, graphs: true },
  { overlap: true, graphs: true },
];

/** The sampler must draw the same, and say the same of it, in every combination. @throws TimeUp */
async function checkSampler(
  job: Extract<Job, { work: 'draw' }>,
  budget: Budget,
  to: ParityResult,
): Promise<void> {
  let first: Drawn | null = null;
  for (const { overlap, graphs } of COMBINATIONS) {
    const of = (isOn: boolean) => (isOn ? 'on' : 'off');
    const name = `sampler, ${SWITCHES.overlap} ${of(overlap)}, ${SWITCHES.graphs} ${of(graphs)}`;
    const env = {
      [SWITCHES.overlap]: overlap ? '1' : '0',
      [SWITCHES.graphs]: graphs ? '1' : '0',
      CUDA_LAUNCH_BLOCKING: undefined, // nothing would overlap
    };
    try {
      const drawn = (await runChild(ours(job, env), budget)).drawn!;
      const { tokens, logprobs, difference, tolerance } = drawn;
      first ??= drawn;
      const isSame = String(tokens) === String(first.tokens);
      const error = !isSame
        ? 'draws other tokens than the first combination'
        : String(logprobs) === String(first.logprobs)
          ? undefined
          : 'gives other log-probabilities than the first combination';
      const ok = error === undefined && difference <= tolerance;
      to.checks.push({ name, difference, tolerance, ok, ...(error && { error }) });
    } catch (error) {
      if ((error as Error).name !== 'ChildError') throw error;
      to.checks.push({
        name,
        difference: null,
        tolerance: 0,
        ok: false,
        error: (error as ChildError).message,
      });
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
            `${result.subject}: the sampler ran once, ${Object.values(SWITCHES).join(' and ')} are of the engine cuda`,
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
