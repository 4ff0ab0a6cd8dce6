/** What a run of the loop is told, with what is taken where nobody says otherwise; and what is quickly found wrong with it. */
import { DEFAULTS } from '../pipeline/defaults.js';
import { type LoopOptions, rankerOptionsOf } from '../pipeline/options.js';
import { findRanker } from '../rankers/registry.js';
import { embeddedModel } from '../store/package.js';
import { defaultTask, openTask } from '../tasks/open.js';
import type { Task } from '../tasks/task.js';
import { requireModel } from '../writers/model-files.js';
import type { StartedEngine } from './engine.js';

type Optional<T> = { [K in keyof T]?: T[K] | undefined };

/** Every field is one option of the command line (docs/options.md). */
export interface LoopSettings extends Optional<Omit<LoopOptions, 'engine' | 'precision'>> {
  /** The folder of the refiner, the critic and the judge, where they are not named one by one. */
  instruct?: string | undefined;
  /** The run's folder; checkpoints/NAME without, where equal settings give equal names. */
  run?: string | undefined;
  /** Starts anew, even if this run was started before. */
  fresh?: boolean | undefined;
}

/** Contexts of a round, and held-out ones. Without native kernels a run of the usual size would take an hour. */
export const sizesOn = (engine: string) =>
  engine === 'wasm' ? { contexts: 40, heldout: 30 } : { contexts: 300, heldout: 250 };

/** Without the fields that are undefined. */
const ifGiven = <T extends object>(values: T) =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]: Exclude<T[K], undefined>;
  };

/** The options, but for those that depend on the engine where nobody says otherwise. */
function withDefaults(settings: LoopSettings) {
  const { instruct = embeddedModel('instruct'), run: _, fresh: __, ...given } = settings;
  return {
    task: defaultTask(given.data ?? null),
    data: null,
    base: embeddedModel('base'),
    refiner: instruct,
    critic: instruct,
    judge: instruct,
    feedback: null,
    rewardModel: null,
    humanLikeness: null,
    roundMode: 'continue' as const,
    ...DEFAULTS,
    ...ifGiven(given),
  };
}

/** All options of the run on this engine. */
export const loopOptions = (
  settings: LoopSettings,
  { name, precision }: Pick<StartedEngine, 'name' | 'precision'>,
): LoopOptions => ({ ...sizesOn(name), ...withDefaults(settings), engine: name, precision });

/** Opens the task, and looks for the models' files. @throws UserError for what is not there */
export async function checkSettings(settings: LoopSettings): Promise<Task> {
  const options = withDefaults(settings);
  const task = await openTask(options);
  for (const dir of [options.base, options.refiner, options.critic, options.judge]) await requireModel(dir);
  const ranker = await findRanker(options.ranker);
  for (const dir of ranker.madeFrom(rankerOptionsOf(task, options)).models) await requireModel(dir);
  return task;
}
