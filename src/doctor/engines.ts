/** Examines engines, each in a process of its own: what breaks there is a line in the report. */
import { type EngineName, missingOf } from '../engine/engines/kind.js';
import { tryAside } from './process.js';
import type { EngineReport, News } from './types.js';

type Found = Pick<EngineReport, 'needs' | 'gpu' | 'trials'>;

/** What the process told, and how it ended. */
async function watch(name: EngineName): Promise<{ found: Found; broken: string | null }> {
  const found: Found = { needs: [], gpu: null, trials: [] };
  const broken = await tryAside<News>([name], (news) => {
    if ('needs' in news) found.needs = news.needs;
    else if ('gpu' in news) found.gpu = news.gpu;
    else found.trials.push(news.trial);
  });
  return { found, broken };
}

/** What to do where an engine breaks that has all it needs. */
const REPAIR: Partial<Record<EngineName, string>> = {
  cpu: 'build it again with "rm -r build; npm run build:native", or use the engine wasm',
  wasm: 'install again with "npm ci"',
  cuda: 'look closer with "doctor --gpu"',
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
