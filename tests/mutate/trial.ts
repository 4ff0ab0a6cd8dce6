/** Test files of a scratch copy, run by vitest in processes of their own. */
import { spawn } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';

export interface Trial {
  passed: boolean;
  /** The first test that failed, or what else happened; empty where all passed. */
  failure: string;
  seconds: number;
  /** Of each test file. */
  secondsOf: Map<string, number>;
}

/** What of vitest's JSON report is read. */
interface Report {
  testResults: {
    name: string;
    status: string;
    message: string;
    startTime: number;
    endTime: number;
    assertionResults: { fullName: string; status: string }[];
  }[];
}

/** Ends processes that were left when this one is told to end: an endless loop would go on for ever. */
const running = new Set<number>();
const kill = (pid: number) => {
  running.delete(pid);
  try {
    // The whole group: vitest's workers, and the programs that they started.
    process.kill(-pid, 'SIGKILL');
  } catch {
    // Gone already.
  }
};
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => {
    for (const pid of running) kill(pid);
    process.exit(130);
  });

/** @param limit in seconds; tests that take longer have failed */
export async function runTests(dir: string, tests: readonly string[], limit: number): Promise<Trial> {
  const output = join(dir, 'vitest.json');
  rmSync(output, { force: true });
  const vitest = join(dir, 'node_modules', 'vitest', 'vitest.mjs');
  const words = [vitest, 'run', '--bail=1', '--reporter=json', `--outputFile=${output}`, ...tests];
  const started = performance.now();
  const child = spawn(process.execPath, words, { cwd: dir, stdio: 'ignore', detached: true });
  running.add(child.pid!);
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    kill(child.pid!);
  }, limit * 1000);
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  clearTimeout(timer);
  kill(child.pid!);
  const seconds = (performance.now() - started) / 1000;
  if (late) return { passed: false, failure: `not done in ${limit} s`, seconds, secondsOf: new Map() };
  const { testResults }: Report = existsSync(output)
    ? JSON.parse(readFileSync(output, 'utf8'))
    : { testResults: [] };
  const failed = testResults.find(({ status }) => status !== 'passed');
  const test = failed?.assertionResults.find(({ status }) => status === 'failed')?.fullName;
  return {
    passed: code === 0,
    failure: code === 0 ? '' : (test ?? failed?.message.split('\n')[0] ?? `vitest ended with status ${code}`),
    seconds,
    secondsOf: new Map(
      testResults.map(({ name, startTime, endTime }) => [
        tests.find((test) => name.endsWith(test)) ?? name,
        (endTime - startTime) / 1000,
      ]),
    ),
  };
}
