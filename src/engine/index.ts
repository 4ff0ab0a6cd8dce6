/**
 * Starts an engine: a tfjs backend under which the models run, and the fused operations that fit it.
 *
 * - `cpu`: ours, native kernels on all cores; the default where the addon is built.
 * - `wasm`: tfjs-backend-wasm, one thread; the default where it is not.
 */

import { UserError } from '../store/errors.js';
import { loadAddon } from './addon.js';
import { BACKEND_NAME, IlfCpuBackend, PRECISIONS, type Precision } from './backend.js';
import { registerKernels } from './kernels.js';
import type { Native } from './native.js';
import * as tf from './tf.js';
import { startWasm } from './wasm.js';

export const ENGINES = ['cpu', 'wasm'] as const;
export type EngineName = (typeof ENGINES)[number];

export { PRECISIONS, type Precision };

export interface EngineOptions {
  /** How activations are stored and multiplied: float32, or bfloat16 (cpu only). Parameters and losses are float32. */
  precision?: Precision;
}

export interface Engine {
  readonly name: EngineName;
  readonly precision: Precision;
  /** The addon's functions, null on wasm. */
  readonly native: Native | null;
  /** One line for people: what computes, with how many threads. */
  describe(): string;
}

let cpu: Native | null = null;

async function startCpu(native: Native, precision: Precision): Promise<Engine> {
  if (cpu === null) {
    registerKernels();
    tf.registerBackend(BACKEND_NAME, () => new IlfCpuBackend(native));
    cpu = native;
  }
  if (!(await tf.setBackend(BACKEND_NAME))) throw new Error('the cpu engine did not start');
  (tf.backend() as IlfCpuBackend).precision = precision;
  return {
    name: 'cpu',
    precision,
    native,
    describe: () => {
      const threads = `${native.threads()} ${native.threads() === 1 ? 'thread' : 'threads'}`;
      return `cpu (native ${native.isa()}, ${threads}${precision === 'bfloat16' ? ', bfloat16' : ''})`;
    },
  };
}

/**
 * Starts the engine and makes it tfjs' current backend. Without a name: cpu if the addon loads, else wasm,
 * saying so in one line on stderr. Throws UserError for an unknown name or precision, for cpu without the addon,
 * and for bfloat16 on wasm. May be called again to switch.
 */
export async function startEngine(
  name?: EngineName,
  { precision = 'float32' }: EngineOptions = {},
): Promise<Engine> {
  if (name !== undefined && !ENGINES.includes(name)) {
    throw new UserError(`engine "${name}" is unknown; choose one of ${ENGINES.join(', ')}`);
  }
  if (!PRECISIONS.includes(precision)) {
    throw new UserError(`precision "${precision}" is unknown; choose one of ${PRECISIONS.join(', ')}`);
  }
  if (name !== 'wasm') {
    const addon = loadAddon();
    if (addon.native) return startCpu(addon.native, precision);
    const advice = 'run "npm run build:native" (needs a C++ compiler)';
    if (name === 'cpu') throw new UserError(`engine cpu: ${addon.reason}; ${advice}, or use the engine wasm`);
    if (precision !== 'float32')
      throw new UserError(`precision ${precision} needs the engine cpu: ${addon.reason}; ${advice}`);
    console.error(`${addon.reason}: using the engine wasm, which is much slower; ${advice}`);
  }
  if (precision !== 'float32')
    throw new UserError(`precision ${precision}: the engine wasm has float32 only`);
  await startWasm();
  return { name: 'wasm', precision, native: null, describe: () => 'wasm (one thread)' };
}
