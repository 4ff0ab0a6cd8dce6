/** Everything that `doctor` looks at. */
import { ENGINES, GPU_ORDER, missingOf } from '../engine/engines/kind.js';
import { checkEnvironment } from '../engine/environment.js';
import { examineEngine } from './engines.js';
import { examineSystem } from './system.js';
import type { Examination } from './types.js';

/** @param version the program's @throws UserError for an environment variable that means nothing: no engine would start */
export async function examine(version: string): Promise<Examination> {
  checkEnvironment();
  const [system, engines] = await Promise.all([examineSystem(), Promise.all(ENGINES.map(examineEngine))]);
  // As src/engine/index.ts chooses: what breaks there while the addon is looked for breaks a run, too.
  const cpu = engines.find((engine) => engine.name === 'cpu')!;
  const byDefault = missingOf(cpu.needs) ? 'wasm' : 'cpu';
  const onGpu = engines
    .filter((engine) => engine.works && engine.gpu && engine.gpu.found !== null)
    .sort((a, b) => GPU_ORDER.indexOf(a.name) - GPU_ORDER.indexOf(b.name))[0];
  return {
    version,
    system,
    engines,
    byDefault,
    onGpu: onGpu?.name ?? null,
    ok: engines.find((engine) => engine.name === byDefault)!.works,
  };
}
