/** Options that several commands share, each checked when it is parsed. */
import { resolve } from 'node:path';
import { ENGINES, isThreads, MOST_THREADS } from '../engine/engines/kind.js';
import { sources } from '../feedback/registry.js';
import { DEFAULTS } from '../pipeline/defaults.js';
import type { LoopOptions } from '../pipeline/options.js';
import type { TooLong } from '../pipeline/too-long.js';
import { HOSTS, type Host } from '../rankers/ranker.js';
import { rankers } from '../rankers/registry.js';
import { UserError } from '../store/errors.js';
import { embeddedModel } from '../store/package.js';
import { isModule } from '../store/plug-in.js';
import { defaultTask, openTask, tasks } from '../tasks/open.js';
import type { Task } from '../tasks/task.js';
import { notice } from './streams.js';

export { DEFAULTS, embeddedModel };

/** A number option; `accepts` says in words what it must be. */
function number(
  name: string,
  description: string,
  byDefault: string,
  accepts: string,
  isOk: (x: number) => boolean,
) {
  return {
    type: 'number' as const,
    requiresArg: true,
    description,
    defaultDescription: byDefault,
    // NaN is what yargs makes of a word, an array what it makes of an option given twice.
    coerce: (given: unknown): number | undefined => {
      if (given === undefined) return undefined;
      if (typeof given !== 'number' || !Number.isFinite(given) || !isOk(given))
        throw new UserError(`--${name} must be one number, ${accepts}`);
      return given;
    },
  };
}

export const threadsOption = (description: string) =>
  number('threads', description, 'all cores', `whole, from 1 to ${MOST_THREADS}`, isThreads);
export const wholeNumber = (name: string, least: number, description: string, byDefault: string) =>
  number(
    name,
    description,
    byDefault,
    `whole, ${least} or more`,
    (x) => Number.isInteger(x) && x >= least && x <= 0x7fffffff,
  );
export const positive = (name: string, description: string, byDefault: string) =>
  number(name, description, byDefault, 'above 0', (x) => x > 0);
export const notNegative = (name: string, description: string, byDefault: string) =>
  number(name, description, byDefault, '0 or more', (x) => x >= 0);
export const probability = (name: string, description: string, byDefault: string) =>
  number(name, description, byDefault, 'above 0 and at most 1', (x) => x > 0 && x <= 1);

/** A file or folder; relative to where the program was started. */
export const path = (name: string, description: string, byDefault?: string) => ({
  type: 'string' as const,
  requiresArg: true,
  description,
  ...(byDefault !== undefined && { defaultDescription: byDefault }),
  coerce: (given: unknown): string | undefined => {
    if (given === undefined) return undefined;
    if (typeof given !== 'string' || given === '') throw new UserError(`--${name} must be one path`);
    return resolve(given);
  },
});
export const requiredPath = (name: string, description: string) => ({
  ...path(name, description),
  // Without the option yargs stops before what this gives is used.
  coerce: (given: unknown) => path(name, description).coerce(given) as string,
  demandOption: true as const,
});

/** One of a registry by its name, or a module of a person's own. */
const registered = (
  name: string,
  registry: readonly { name: string }[],
  description: string,
  byDefault: string,
) => {
  const names = registry.map((of) => of.name);
  return {
    type: 'string' as const,
    requiresArg: true,
    description: `${description}: ${names.join(', ')}, or a module of your own (FILE.js)`,
    defaultDescription: byDefault,
    coerce: (given: unknown): string | undefined => {
      if (given === undefined) return undefined;
      if (typeof given !== 'string' || !(isModule(given) || names.includes(given)))
        throw new UserError(
          `--${name} must be one of ${names.join(', ')}, or a module of your own (FILE.js), not ${String(given)}`,
        );
      return isModule(given) ? resolve(given) : given;
    },
  };
};

/** Where tensors are computed. */
export const engineOptions = {
  engine: {
    choices: ENGINES,
    requiresArg: true,
    description: 'what computes ("node train.js doctor" shows which work here)',
    defaultDescription: 'cpu where it was built',
  },
  precision: {
    choices: ['float32', 'bfloat16'] as const,
    requiresArg: true,
    description: 'how the engines cpu and cuda store and multiply activations',
    defaultDescription: 'float32; bfloat16 on cuda',
  },
  threads: threadsOption('threads of the engines cpu and tensorflow'),
  gpu: { type: 'boolean' as const, description: 'compute on a GPU, by the first engine that finds one' },
  progress: {
    choices: ['bar', 'json', 'none'] as const,
    requiresArg: true,
    description: 'progress on standard error: bars, JSON lines, nothing',
    defaultDescription: 'bar',
  },
  quiet: { type: 'boolean' as const, description: 'as --progress none' },
};

/** What is learned. */
export const taskOptions = {
  task: registered('task', tasks, 'what is learned', `${defaultTask(null)}; ${defaultTask('')} with --data`),
  data: path(
    'data',
    'your own contexts: JSONL of {"context", "output"?, "feedback"?, "gold"?, "id"?}; measured against gold, where that is given',
    'the embedded world',
  ),
};

/** Of every command that reads texts. */
export const skipOption = {
  'skip-too-long': {
    type: 'boolean' as const,
    description: "leave out what is too long for a model's window, and say which; else it is an error",
  },
};

/** What is done about texts that are too long. */
export const tooLongFrom = (given: { 'skip-too-long'?: boolean | undefined }): TooLong => ({
  skip: given['skip-too-long'] ?? false,
  tell: notice,
});

/** What was chosen as the task. */
export const taskChoiceFrom = ({
  task,
  data = null,
}: {
  task?: string | undefined;
  data?: string | null | undefined;
}) => ({
  task: task ?? defaultTask(data),
  data,
});
/** The task; what is to be told of its data is. @throws UserError for data that cannot be used */
export async function taskFrom(given: {
  task?: string | undefined;
  data?: string | undefined;
}): Promise<Task> {
  const task = await openTask(taskChoiceFrom(given));
  for (const line of task.notices ?? []) notice(line);
  return task;
}

/** Where feedback comes from. */
export const feedbackOption = registered(
  'feedback',
  sources,
  'where feedback comes from',
  'the first of these that serves',
);

/** Folders of the instruction-tuned LM, as a whole and by what it does. */
export const instructOptions = {
  instruct: path('instruct', 'folder of the instruction-tuned LM', 'the embedded one'),
  refiner: path('refiner', 'folder of the refiner π_ψ', 'as --instruct'),
  critic: path('critic', 'folder of the critic, who writes feedback where nobody else does', 'as --instruct'),
  judge: path('judge', 'folder of the judge, InstructRM', 'as --instruct'),
};

/** R, which picks a refinement. */
export const rankerOptions = {
  ranker: registered('ranker', rankers, 'ranker R that picks a refinement', 'instruct-rm'),
  host: {
    choices: HOSTS,
    requiresArg: true,
    description: 'what computes InstructRM: @xenova/transformers, or the engine',
    defaultDescription: 'transformers',
  },
  'reward-model': path('reward-model', 'folder of the reward model, for the ranker of that name'),
  'human-likeness': path('human-likeness', 'folder of the judge of human-likeness, for that ranker'),
};

/** How outputs, feedback and refinements are sampled. */
export const samplingOptions = {
  seed: wholeNumber('seed', 0, 'seed of everything random', '0'),
  temperature: positive('temperature', 'temperature T of sampling', '1'),
  'top-p': probability('top-p', 'nucleus sampling: share p of the probability that is kept', '0.95'),
  'max-tokens': wholeNumber('max-tokens', 1, 'tokens of an output at most', '48'),
};

/** How π_θ is tuned. */
export const tuningOptions = {
  lr: positive('lr', 'peak learning rate of AdamW', '3e-4'),
  epochs: wholeNumber('epochs', 1, 'passes over the targets', '1'),
  batch: wholeNumber('batch', 1, 'contexts a gradient step (batch size)', '8'),
  'prompt-weight': notNegative('prompt-weight', "weight of the prompt's tokens in the loss", '0.05'),
};

interface Given {
  instruct?: string | undefined;
  refiner?: string | undefined;
  critic?: string | undefined;
  judge?: string | undefined;
  ranker?: string | undefined;
  host?: Host | undefined;
  'reward-model'?: string | undefined;
  'human-likeness'?: string | undefined;
  seed?: number | undefined;
  round?: number | undefined;
  temperature?: number | undefined;
  'top-p'?: number | undefined;
  'max-tokens'?: number | undefined;
  lr?: number | undefined;
  epochs?: number | undefined;
  batch?: number | undefined;
  'prompt-weight'?: number | undefined;
}

export const placeFrom = ({ seed, round }: Given) => ({ seed: seed ?? DEFAULTS.seed, round: round ?? 1 });

export const samplingFrom = (given: Given) => ({
  temperature: given.temperature ?? DEFAULTS.temperature,
  topP: given['top-p'] ?? DEFAULTS.topP,
  maxTokens: given['max-tokens'] ?? DEFAULTS.maxTokens,
});

export const tuningFrom = (given: Given) => ({
  lr: given.lr ?? DEFAULTS.lr,
  epochs: given.epochs ?? DEFAULTS.epochs,
  batch: given.batch ?? DEFAULTS.batch,
  promptWeight: given['prompt-weight'] ?? DEFAULTS.promptWeight,
});

/** Who refines, criticises and judges. */
export const instructFrom = ({ instruct = embeddedModel('instruct'), refiner, critic, judge }: Given) => ({
  refiner: refiner ?? instruct,
  critic: critic ?? instruct,
  judge: judge ?? instruct,
});

/** What was chosen as R. */
export const rankerFrom = (
  given: Given,
): Pick<LoopOptions, 'ranker' | 'host' | 'rewardModel' | 'humanLikeness'> => ({
  ranker: given.ranker ?? DEFAULTS.ranker,
  host: given.host ?? DEFAULTS.host,
  rewardModel: given['reward-model'] ?? null,
  humanLikeness: given['human-likeness'] ?? null,
});
