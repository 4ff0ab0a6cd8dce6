/** Starts an engine: a tfjs backend under which the models run, and the fused operations that fit it. */
import { UserError } from '../store/errors.js';
import { PRECISIONS, type Precision } from './backend.js';
import { cpu } from './engines/cpu/engine.js';
import { cuda } from './engines/cuda/engine.js';
import {
  ENGINES,
  type Engine,
  type EngineKind,
  type EngineName,
  isThreads,
  MOST_THREADS,
  missingOf,
} from './engines/kind.js';
import { tensorflow } from './engines/tensorflow/engine.js';
import { wasm } from './engines/wasm/engine.js';
import { webgpu } from './engines/webgpu/engine.js';
import { checkEnvironment } from './environment.js';

export { ENGINES, type Engine, type EngineKind, type EngineName, PRECISIONS, type Precision };

/** Every engine by its name. */
export const KINDS: Readonly<Record<EngineName, EngineKind>> = { cpu, wasm, cuda, tensorflow, webgpu };

export interface EngineOptions {
  /**
   * How activations are stored and multiplied; the engine's own default without. Parameters and losses are float32
   * in any case.
   */
  precision?: Precision | undefined;
  /** How many threads compute; as many as there are cores without. */
  threads?: number | undefined;
}

/** The engine's name for people who gave none: cpu if the addon loads, else wasm, saying so in one line on stderr. */
async function byDefault(): Promise<EngineName> {
  const missing = missingOf(await cpu.needs());
  if (!missing) return 'cpu';
  console.error(`using the engine wasm, which is much slower: ${missing.advice}`);
  return 'wasm';
}

/**
 * Starts the engine and makes it tfjs' current backend. May be called again to switch.
 * @throws UserError for an unknown name or precision, an environment variable that means nothing, one that the engine does not have, threads where it has one only,
 * and where what it needs is missing
 */
export async function startEngine(
  name?: EngineName,
  { precision, threads }: EngineOptions = {},
): Promise<Engine> {
  if (name !== undefined && !ENGINES.includes(name))
    throw new UserError(`engine "${name}" is unknown; choose one of ${ENGINES.join(', ')}`);
  if (precision !== undefined && !PRECISIONS.includes(precision))
    throw new UserError(`precision "${precision}" is unknown; choose one of ${PRECISIONS.join(', ')}`);
  if (threads !== undefined && !isThreads(threads))
    throw new UserError(`--threads ${threads}: it must be a whole number from 1 to ${MOST_THREADS}`);
  checkEnvironment();
  const kind = KINDS[name ?? (await byDefault())];
  if (precision !== undefined && !kind.precisions.includes(precision))
    throw new UserError(
      `precision ${precision}: the engine ${kind.name} has ${kind.precisions.join(', ')} only`,
    );
  if (threads !== undefined && !kind.takesThreads)
    throw new UserError(`--threads: the engine ${kind.name} has one thread`);
  return kind.start(precision ?? kind.precisions[0], threads);
}
