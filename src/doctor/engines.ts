/** Examines engines, each in a process of its own: what breaks there is a line in the report. */
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { type EngineName, missingOf } from '../engine/engines/kind.js';
import type { EngineReport, News } from './types.js';

const TRIAL = fileURLToPath(new URL('./trial.js', import.meta.url));
/** Loading TensorFlow or making a GPU's programs takes its time; longer is broken. */
const SECONDS = 120;

type Found = Pick<EngineReport, 'needs' | 'gpu' | 'trials'>;

/** What the process told, and how it ended: null where it came to its end. */
function watch(name: EngineName): Promise<{ found: Found; broken: string | null }> {
  const found: Found = { needs: [], gpu: null, trials: [] };
  const child = fork(TRIAL, [name], { stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
  let said = '';
  child.stderr!.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-4000);
  });
  return new Promise((resolve) => {
    const end = (broken: string | null) => {
      clearTimeout(timer);
      child.kill('SIGKILL');
      resolve({ found, broken });
    };
    const timer = setTimeout(() => end(`it did not finish in ${SECONDS} s`), SECONDS * 1000);
    child.on('message', (news: News) => {
      if ('needs' in news) found.needs = news.needs;
      else if ('gpu' in news) found.gpu = news.gpu;
      else if ('trial' in news) found.trials.push(news.trial);
      else end(null);
    });
    child.on('error', (error) => end(error.message));
    child.on('close', (code, signal) => {
      const why = /^(?:\w*Error|error): .*/m.exec(said)?.[0];
      end(`its process ended by ${signal ?? `status ${code}`}${why ? ` (${why})` : ''}`);
    });
  });
}

/** What to do where an engine breaks that has all it needs. */
const REPAIR: Partial<Record<EngineName, string>> = {
  cpu: 'build it again with "rm -r build; npm run build:native", or use the engine wasm',
  wasm: 'install again with "npm ci"',
};

/** Never rejects: what goes wrong is in the report. */
export async function examineEngine(name: EngineName): Promise<EngineReport> {
  const { found, broken } = await watch(name);
  const missing = missingOf(found.needs);
  const failed = found.trials.find((trial) => !trial.works);
  const failure = broken ?? (failed && `${failed.precision}: ${failed.detail}`) ?? null;
  const repair = REPAIR[name] ?? "bring the GPU's driver and the engine's packages up to date";
  const problem = missing
    ? `no ${missing.what}: ${missing.advice}`
    : failure === null
      ? null
      : `${failure}; ${repair}`;
  return { name, ...found, works: problem === null, problem };
}
