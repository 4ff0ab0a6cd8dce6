/**
 * Whether a GPU computes what it should, by small checks in processes of their own: where one breaks, or the GPU's context is lost, the
 * next goes on behind it. What fails is tried again with what can be turned off, off.
 */
import { COMBINATIONS, UNBLOCKED } from '../../engine/engines/cuda/combinations.js';
import { missingOf } from '../../engine/engines/kind.js';
import { checkEnvironment, setVariables } from '../../engine/environment.js';
import { tryAside } from '../process.js';
import type { KindOfChecks } from './checks.js';
import type { GpuCheck, GpuExamination, GpuNews } from './types.js';

type Found = Pick<GpuExamination, 'needs' | 'checks' | 'products' | 'hopper'> & {
  /** What the sampler drew, by the check's name. */
  drawn: Map<string, string>;
};

/** All checks of a kind, in as many processes as it takes. */
async function makeChecks(kind: KindOfChecks, env: NodeJS.ProcessEnv): Promise<Found> {
  const found: Found = { needs: [], checks: [], products: null, hopper: null, drawn: new Map() };
  while (true) {
    const process = { begun: null as Pick<GpuCheck, 'name' | 'tolerance'> | null, isLost: false };
    const told = (news: GpuNews) => {
      if ('needs' in news) found.needs = news.needs;
      else if ('begins' in news) process.begun = news.begins;
      else if ('products' in news) found.products = news.products;
      else if ('lost' in news) process.isLost = true;
      else {
        found.checks.push(news.checked);
        if (news.hopper !== undefined) found.hopper = news.hopper;
        if (news.drawn !== undefined) found.drawn.set(news.checked.name, news.drawn);
        process.begun = null;
      }
    };
    const broken = await tryAside<GpuNews>(['gpu', kind, String(found.checks.length)], told, env);
    const failed = { difference: null, ok: false, error: broken ?? '' };
    if (process.begun) found.checks.push({ ...process.begun, ...failed });
    else if (!process.isLost) {
      // Before the first check, or behind the last.
      if (broken !== null) found.checks.push({ name: `the process of ${kind}`, tolerance: 0, ...failed });
      return found;
    }
  }
}

const SEND =
  'use another engine meanwhile ("--engine cpu"), and report it with the file of "doctor --gpu --report FILE"';
const BLAS = 'ILF_CUDA_BLAS';
/** What operations can do without, one of them at a time. */
const WITHOUT: readonly [what: string, variable: string, value: string][] = [
  ['Hopper’s own products', 'ILF_CUDA_HOPPER', '0'],
  ['cuBLASLt', BLAS, 'plain'],
];

/** A launch ends before the next begins, so that an error shows where it is made. */
const BLOCKING = { CUDA_LAUNCH_BLOCKING: '1' };

/** What broke a process has no check of its name where it did not break. */
const holdsIn = (checks: readonly GpuCheck[], { name }: GpuCheck): boolean =>
  checks.find((check) => check.name === name)?.ok ??
  (checks.length > 0 && name.startsWith('the process of '));

async function checkOperations(env: NodeJS.ProcessEnv): Promise<Found> {
  const found = await makeChecks('operations', { ...env, ...BLOCKING });
  if (found.checks.every(({ ok }) => ok)) return found;
  for (const [what, variable, value] of WITHOUT) {
    if (process.env[variable] === value) continue;
    const { checks } = await makeChecks('operations', { ...env, ...BLOCKING, [variable]: value });
    for (const check of found.checks.filter(({ ok }) => !ok))
      if (holdsIn(checks, check))
        check.advice ??= `it holds without ${what}: set ${variable}=${value}, and report it`;
  }
  for (const check of found.checks.filter(({ ok }) => !ok)) check.advice ??= SEND;
  return found;
}

/** The sampler must draw the same, and say the same of it, in every combination. */
async function checkSampler(added: NodeJS.ProcessEnv): Promise<GpuCheck[]> {
  const all: GpuCheck[] = [];
  let first: Found | null = null;
  for (const env of COMBINATIONS) {
    const found = await makeChecks('sampler', { ...added, ...env, ...UNBLOCKED });
    first ??= found;
    const set = Object.entries(env).map(([name, value]) => `${name}=${value}`);
    const on = Object.entries(env).filter(([, value]) => value === '1');
    for (const check of found.checks) {
      const base = first.drawn.get(check.name);
      const same = base === undefined || found.drawn.get(check.name) === base;
      const error =
        check.error ?? (same ? undefined : `other tokens or log-probabilities than with both off`);
      const ok = check.ok && same;
      const baseHolds = first.checks.find(({ name }) => name === check.name)?.ok;
      const off = `set ${on.map(([name]) => `${name}=0`).join(' and ')}, and report it`;
      all.push({
        ...check,
        name: `${check.name}, ${set.join(' ')}`,
        ok,
        ...(error !== undefined && { error }),
        ...(!ok && { advice: baseHolds && on.length > 0 ? off : SEND }),
      });
    }
  }
  return all;
}

/**
 * @param version the program's
 * @param env added to the environment of the processes that compute
 * @throws UserError for an environment variable that means nothing
 */
export async function examineGpu(version: string, env: NodeJS.ProcessEnv = {}): Promise<GpuExamination> {
  checkEnvironment();
  const { needs, checks, products, hopper } = await checkOperations(env);
  const missing = missingOf(needs);
  const problem = missing ? `no ${missing.what}: ${missing.advice}` : null;
  if (problem === null) checks.push(...(await checkSampler(env)));
  const ok = problem === null && checks.length > 0 && checks.every((check) => check.ok);
  return { version, needs, environment: setVariables(), checks, products, hopper, problem, ok };
}
