/** Child processes that measure: each ends with one Report as its last line. */
import { execFile } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { UserError } from '../src/store/errors.js';
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
export const ours = (job: Job): Contender => ({
  name: OURS,
  command: process.execPath,
  args: [worker, JSON.stringify(job)],
});

/** Whether ours can do such a job at all, asked at once: trials of peers come first and are long. @throws UserError */
export async function checkOurs(job: Extract<Job, { work: 'check' }>): Promise<Report> {
  try {
    return await runChild(ours(job));
  } catch (error) {
    throw error instanceof ChildError && error.refused ? new UserError(error.message) : error;
  }
}

/** The line of standard error that names the error (Node writes its stack and version after it), else the last. */
function complaint(stderr: string): string {
  const lines = stderr.trim().split('\n');
  return (lines.findLast((line) => /^(\w*Error|error)\b/.test(line)) ?? lines.at(-1)!).trim();
}

const lastLine = (text: string): string => text.trim().split('\n').at(-1)!.trim();

/** Runs a command to its end. @returns its standard output @throws ChildError */
export function output({ command, args, env }: Omit<Contender, 'name'>): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = { env: { ...process.env, ...env }, maxBuffer: 1 << 26 };
    execFile(command, args, options, (error, stdout, stderr) => {
      if (!error) return resolve(stdout);
      const absent = error.code === 'ENOENT' && 'no such program';
      const why = absent || complaint(stderr) || error.signal || lastLine(error.message);
      reject(new ChildError(String(why).replace(/^error: /, ''), error.code === 2));
    });
  });
}

/** @throws ChildError where it fails or does not end with a report */
export async function runChild(contender: Contender): Promise<Report> {
  const line = lastLine(await output(contender));
  try {
    return JSON.parse(line) as Report;
  } catch {
    throw new ChildError(`${contender.name} ended with "${line.slice(0, 80)}" instead of JSON`, false);
  }
}
