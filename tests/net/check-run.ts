/**
 * node tests/child.mjs tests/net/check-run.ts RUN…: computes every number of finished runs again, from their tables, checks what
 * must hold between the tables, and some of the log-probabilities in them. It shares no code with src/. Prints a line for each problem; exit status 1 where there
 * is one.
 */
import { checkModels } from './check-models.js';
import { checkResult } from './check-result.js';
import { checkTables } from './check-tables.js';
import { checkTokens } from './check-tokens.js';
import { readRun } from './read-run.js';

export const CHECKS = [checkTables, checkTokens, checkResult, checkModels];

/** What is wrong with a run, a line each; nothing for a sound one. */
export function problemsOf(dir: string, checks: readonly (typeof CHECKS)[number][] = CHECKS): string[] {
  const problems: string[] = [];
  const run = readRun(dir);
  for (const check of checks) {
    try {
      check(run, (problem) => problems.push(problem));
    } catch (error) {
      // What cannot be computed from these tables is a problem, too.
      problems.push(`${check.name}: ${(error as Error).message}`);
    }
  }
  return problems;
}

export default function main(...runs: string[]): void {
  for (const dir of runs) {
    const problems = problemsOf(dir);
    for (const problem of problems) console.error(`${dir}: ${problem}`);
    console.log(`${dir}: ${problems.length === 0 ? 'sound' : `${problems.length} problems`}`);
    if (problems.length > 0) process.exitCode = 1;
  }
}
