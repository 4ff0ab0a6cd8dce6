/** Options that the benches share, each checked when it is parsed. Those of one bench alone are in its file. */
import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import { path, threadsOption, wholeNumber } from '../src/cli/options.js';
import { ENGINES, type EngineName } from '../src/engine/engines/kind.js';
import type { Precision } from '../src/engine/index.js';
import type { Gpt2Sizes } from '../src/lm/architectures/gpt2.js';
import { UserError } from '../src/store/errors.js';
import { type Budget, budgetOf } from './budget.js';
import { MODELS, type ModelName } from './models.js';

// As in src/engine, which is not loaded here: on some systems a child starts with its parent's peak memory.
const PRECISIONS: readonly Precision[] = ['float32', 'bfloat16'];

/** An option that may be given several times. */
export const several = <T extends string>(name: string, choices: readonly T[], description: string) => ({
  type: 'string' as const,
  requiresArg: true,
  description: `${description}; may be repeated`,
  coerce: (given: unknown): T[] | undefined => {
    if (given === undefined) return undefined;
    const all = [given].flat() as T[];
    const wrong = all.find((word) => !choices.includes(word));
    if (wrong !== undefined) throw new UserError(`--${name} must be ${choices.join(', ')}; not "${wrong}"`);
    return [...new Set(all)];
  },
});

export const commonOptions = {
  quick: { type: 'boolean' as const, description: 'Tiny amounts, one round: whether it runs, not how fast' },
  precision: several('precision', PRECISIONS, 'float32 or bfloat16'),
  engine: {
    type: 'string' as const,
    requiresArg: true,
    description: `${ENGINES.join(', ')}; peers run on a GPU beside cuda`,
    coerce: (given: unknown): EngineName | undefined => {
      if (given !== undefined && !ENGINES.includes(given as EngineName))
        throw new UserError(`--engine must be ${ENGINES.join(', ')}`);
      return given as EngineName | undefined;
    },
  },
  threads: threadsOption('Threads of ours and of every peer on a CPU'),
  repetitions: wholeNumber('repetitions', 1, 'Rounds of ours and every peer in turn', '5; 3 on a GPU'),
  seconds: wholeNumber(
    'seconds',
    1,
    'Time for the whole command: what is worth most comes first',
    'no limit',
  ),
  markdown: { type: 'boolean' as const, description: 'Tables in Markdown' },
  out: path('out', 'Folder for the files of results', 'bench/results'),
};

export const modelOption = { model: several('model', MODELS, MODELS.join(', ')) };

export const peerOptions = {
  'peer-python': {
    type: 'string' as const,
    requiresArg: true,
    description: 'A Python that has PyTorch, to measure beside ours; may be repeated',
    coerce: (given: unknown): string[] =>
      // A bare name is looked up in the PATH, as a shell does.
      [given ?? []].flat().map((word) => (String(word).includes('/') ? resolve(String(word)) : String(word))),
  },
  'peer-mode': {
    type: 'string' as const,
    requiresArg: true,
    description:
      'The mode that peers run in, as a trial names it (compiled, padded vocabulary): no trial then',
  },
  'peers-only': {
    type: 'boolean' as const,
    description: 'Without ours: "compare" makes ratios of what several commands have measured',
  },
};

/** Of each bench that may run peers. */
export const peerBenchOptions = { ...commonOptions, ...modelOption, ...peerOptions };

export const stepsOption = {
  steps: wholeNumber('steps', 1, 'Repetitions in one process, after warm-up', '3'),
};

/** Of each bench that runs models. */
export const modelBenchOptions = { ...peerBenchOptions, ...stepsOption };

export interface Given {
  quick?: boolean | undefined;
  precision?: Precision[] | undefined;
  engine?: EngineName | undefined;
  threads?: number | undefined;
  repetitions?: number | undefined;
  steps?: number | undefined;
  seconds?: number | undefined;
  model?: ModelName[] | undefined;
  peerPython?: string[] | undefined;
  peerMode?: string | undefined;
  peersOnly?: boolean | undefined;
  markdown?: boolean | undefined;
  out?: string | undefined;
}

export interface Settings {
  quick: boolean;
  precisions: Precision[];
  /** Asked for, not just the default: what cannot be done is then an error. */
  precisionGiven: boolean;
  engine: EngineName | undefined;
  /** Ours computes on an NVIDIA GPU, or as if: amounts are larger, and peers must run on it, too. */
  gpu: boolean;
  device: 'cpu' | 'cuda';
  threads: number;
  rounds: number;
  models: ModelName[];
  peerPythons: string[];
  /** The mode that peers run in; undefined: the fastest in a trial. */
  peerMode: string | undefined;
  /** Ours is measured by another command, or was. */
  peersOnly: boolean;
  budget: Budget;
}

/** Defaults filled in. */
export function settings(
  given: Given,
  models: ModelName[] = ['3.7M'],
  precisions: Precision[] = ['float32'],
): Settings {
  if ((given.engine === 'wasm' || given.engine === 'webgpu') && given.threads !== undefined)
    throw new UserError(`--threads: the engine ${given.engine} has one thread`);
  const quick = given.quick ?? false;
  const gpu = given.engine === 'cuda';
  return {
    quick,
    precisions: given.precision ?? (gpu ? ['bfloat16'] : precisions),
    precisionGiven: given.precision !== undefined,
    engine: given.engine,
    gpu,
    device: gpu && process.env.ILF_CUDA_EMULATED !== '1' ? 'cuda' : 'cpu',
    threads: given.threads ?? availableParallelism(),
    rounds: given.repetitions ?? (quick ? 1 : gpu ? 3 : 5),
    models: given.model ?? models,
    peerPythons: given.peerPython ?? [],
    peerMode: given.peerMode,
    peersOnly: given.peersOnly ?? false,
    budget: budgetOf(given.seconds),
  };
}

/**
 * Most tokens computed at once on a GPU, and of models larger than GPT-2 small half as many. A backward pass needs 16 numbers of the
 * width a layer and token, of two bytes: 19 GB for the 124M, 26 GB for the 355M; beside 16 bytes a parameter and 2.25 GiB of logits.
 */
const GPU_TOKENS = 65_536;
const SMALL = 12 * 768;

/** Sequences computed at once: as many as bound memory; on a CPU the 8,192 tokens of src/lm. */
export function microBatch({ gpu }: Settings, sizes: Gpt2Sizes, sequences: number, length: number): number {
  const large = sizes.n_layer * sizes.n_embd > SMALL;
  const tokens = gpu ? GPU_TOKENS / (large ? 2 : 1) : 8192;
  return Math.min(sequences, Math.max(1, Math.floor(tokens / length)));
}
