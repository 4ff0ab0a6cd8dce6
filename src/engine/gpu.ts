/** `--gpu`: takes the first engine that finds a GPU. */
import { UserError } from '../store/errors.js';
import { type Engine, type EngineKind, type EngineName, GPU_ORDER, missingOf } from './engines/kind.js';
import { type EngineOptions, KINDS, startEngine } from './index.js';

/** Engines that may have a GPU, in the order in which they are tried. */
export const GPU_KINDS: readonly EngineKind[] = Object.values(KINDS)
  .filter((kind) => kind.gpu)
  .sort((a, b) => GPU_ORDER.indexOf(a.name) - GPU_ORDER.indexOf(b.name));

/** What keeps it from computing on a GPU, in a few words; null where nothing is known to. */
async function obstacle(kind: EngineKind): Promise<string | null> {
  const missing = missingOf(await kind.needs()) ?? missingOf([await kind.gpu!()]);
  return missing ? `no ${missing.what}: ${missing.advice}` : null;
}

/**
 * Starts the first engine that has all it needs and sees a GPU, or the named one if that does.
 * @throws UserError where none does, with what was looked for and what was missing
 */
export async function startGpuEngine(
  name: EngineName | undefined,
  options: EngineOptions = {},
  kinds: readonly EngineKind[] = GPU_KINDS,
): Promise<Engine> {
  const asked = kinds.filter((kind) => name === undefined || kind.name === name);
  if (asked.length === 0)
    throw new UserError(`--gpu and --engine ${name} contradict each other; leave one of them out`);
  const reasons: string[] = [];
  for (const kind of asked) {
    try {
      const reason = await obstacle(kind);
      if (reason === null) return await startEngine(kind.name, options);
      reasons.push(`${kind.name}: ${reason}`);
    } catch (error) {
      reasons.push(`${kind.name}: ${error instanceof Error ? error.message.split('\n')[0] : error}`);
    }
  }
  throw new UserError(
    `--gpu: no engine computes on a GPU here (${reasons.join('; ')}); "node train.js doctor" shows more`,
  );
}
