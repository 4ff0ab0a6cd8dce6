/** Child processes that measure: each ends with one Report as its last line. */
import { execFile } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { UserError } from '../src/store/errors.js';
import { type Budget, TimeUp } from './budget.js';
import type { Job, Report } from './report.js';

/** Someone who can be asked to do the work: ours or a peer. */
export interface Contender {
  name: string;
  command: string;
  args: readonly string[];
  /** Added to the environment; undefined takes a variable out of it. */
  env?: Record<string, string | undefined>;
}

/** A child that failed; the message is the line of its standard error that says why. */
export class ChildError extends Error {
  override readonly name = 'ChildError';
  constructor(
    message: string,
    /** It said itself that it was asked for something it cannot do. */
    readonly refused: boolean,
  ) {
    super(message);
  }
}

const worker = join(dirname(fileURLToPath(import.meta.url)), 'worker', 'main.js');

export const OURS = 'ours';
export const ours = (job: Job, env: Contender['env'] = {}): Contender => ({
  name: OURS,
  command: process.execPath,
  args: [worker, JSON.stringify(job)],
  env,
});

/** Whether ours can do such a job at all, asked before anything is measured. @throws UserError */
export async function checkOurs(job: Extract<Job, { work: 'check' }>, budget: Budget): Promise<Report> {
  try {
    return await runChild(ours(job), budget);
  } catch (error) {
    throw error instanceof ChildError && error.refused ? new UserError(error.message) : error;
  }
}

/**
 * The line of standard error that names the error (Node writes its stack and version after it), else the signal that ended the
 * process, else the last line.
 */
function complaint(stderr: string, signal: string | null | undefined): string {
  const lines = stderr.trim().split('\n');
  return (lines.findLast((line) => /^(\w*Error|error)\b/.test(line)) ?? signal ?? lines.at(-1)!).trim();
}

const lastLine = (text: string): string => text.trim().split('\n').at(-1)!.trim();

/** The longest that a timer can wait, ms. */
const LONGEST = 0x7fffffff;

export interface Ended {
  /** What it printed, however it ended. */
  stdout: string;
  error: ChildError | TimeUp | null;
}

/** Runs a command to its end, or to the budget's. */
export function runToEnd({ command, args, env }: Omit<Contender, 'name'>, { left }: Budget): Promise<Ended> {
  const seconds = left();
  if (seconds <= 0) return Promise.resolve({ stdout: '', error: new TimeUp() });
  return new Promise((resolve) => {
    const options = {
      env: { ...process.env, ...env },
      maxBuffer: 1 << 26,
      // 0 is no limit.
      timeout: seconds === Infinity ? 0 : Math.min(LONGEST, Math.ceil(seconds * 1000)),
      // A process inside a kernel hears nothing else.
      killSignal: 'SIGKILL' as const,
    };
    execFile(command, args, options, (error, stdout, stderr) => {
      if (!error) return resolve({ stdout, error: null });
      if (error.killed) return resolve({ stdout, error: new TimeUp() });
      const absent = error.code === 'ENOENT' && 'no such program';
      const why = absent || complaint(stderr, error.signal) || lastLine(error.message);
      resolve({ stdout, error: new ChildError(String(why).replace(/^error: /, ''), error.code === 2) });
    });
  });
}

/** @returns its standard output @throws ChildError, TimeUp */
export async function output(command: Omit<Contender, 'name'>, budget: Budget): Promise<string> {
  const { stdout, error } = await runToEnd(command, budget);
  if (error) throw error;
  return stdout;
}

/** @throws ChildError where it fails or does not end with a report, TimeUp where it was ended */
export async function runChild(contender: Contender, budget: Budget): Promise<Report> {
  const line = lastLine(await output(contender, budget));
  try {
    return JSON.parse(line) as Report;
  } catch {
    throw new ChildError(`${contender.name} ended with "${line.slice(0, 80)}" instead of JSON`, false);
  }
}
