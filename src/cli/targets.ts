import type { CommandModule, InferredOptionTypes } from 'yargs';
import { targetKinds } from '../ilf/target-kinds.js';
import {
  DEFAULTS,
  path,
  placeFrom,
  positive,
  requiredPath,
  taskFrom,
  taskOptions,
  wholeNumber,
} from './options.js';
import { requireOutFile } from './out.js';

const options = {
  contexts: requiredPath('contexts', 'Table of contexts c'),
  initial: path('initial', 'table of initial outputs x0'),
  feedback: path('feedback', 'table of feedback f'),
  refinements: path('refinements', 'table of refinements x1'),
  scores: path('scores', 'table of scores R(x1)'),
  kind: {
    choices: targetKinds.map(({ name }) => name),
    requiresArg: true,
    description: 'which targets; they need different tables',
    defaultDescription: 'ilf',
  },
  out: requiredPath('out', 'Where the table goes'),
  beta: positive('beta', 'inverse temperature β of the kind posterior', '10'),
  round: wholeNumber('round', 1, 'round k, for the seeds', '1'),
  seed: wholeNumber('seed', 0, 'seed of everything random', '0'),
  ...taskOptions,
};

export const targetsCommand: CommandModule<object, InferredOptionTypes<typeof options>> = {
  command: 'targets',
  describe: 'between steps 4 and 5: what π_θ is to be tuned on, an Arrow table',
  builder: options,
  handler: async (given) => {
    await requireOutFile(given);
    const { targetsCommand: run } = await import('../ilf/targets.js');
    const { contexts, initial, feedback, refinements, scores, out } = given;
    const { kind = DEFAULTS.targets, beta = DEFAULTS.beta } = given;
    const tables = { contexts, initial, feedback, refinements, scores, out };
    await run({ task: await taskFrom(given), kind, ...tables, beta, place: placeFrom(given) });
  },
};
