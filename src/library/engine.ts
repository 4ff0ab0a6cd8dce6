/** What computes. There is one engine at a time in a process; models that are open belong to the one that they were opened on. */
import { startGpuEngine } from '../engine/gpu.js';
import { startEngine as start } from '../engine/index.js';
import { check, shapes } from './check.js';

// Written out, since the engines' own types lead to tfjs'.
type EngineName = 'cpu' | 'wasm' | 'cuda' | 'tensorflow' | 'webgpu';
type Precision = 'float32' | 'bfloat16';

export interface EngineChoice {
  /** cpu where its kernels are built, else wasm. */
  engine?: EngineName | undefined;
  /** The first engine that finds a GPU. */
  gpu?: boolean | undefined;
  /** How activations are stored and multiplied; float32, and bfloat16 on cuda. Parameters and losses are float32 in any case. */
  precision?: Precision | undefined;
  /** Of the engines cpu and tensorflow; as many as there are cores. */
  threads?: number | undefined;
}

export interface StartedEngine {
  readonly name: EngineName;
  readonly precision: Precision;
  /** One line for people. */
  describe(): string;
}

let started: Promise<StartedEngine> | undefined;

/**
 * Starts an engine; without it the default one is started when it is first needed.
 * @throws UserError where what it needs is missing, saying what
 */
export async function startEngine(choice: EngineChoice = {}): Promise<StartedEngine> {
  check('startEngine', shapes.engine, choice);
  const { engine, gpu, precision, threads } = choice;
  const options = { precision, threads };
  started = gpu ? startGpuEngine(engine, options) : start(engine, options);
  return started;
}

/** The engine that was started last; the default one where none was. */
export const ensureEngine = (): Promise<StartedEngine> => started ?? startEngine();
