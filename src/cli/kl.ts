import type { CommandModule, InferredOptionTypes } from 'yargs';
import { UserError } from '../store/errors.js';
import { packageVersion } from '../store/package.js';
import { promptsOf } from '../tasks/open.js';
import {
  DEFAULTS,
  embeddedModel,
  engineOptions,
  path,
  placeFrom,
  requiredPath,
  skipOption,
  taskChoiceFrom,
  taskOptions,
  tooLongFrom,
  wholeNumber,
} from './options.js';
import { compute } from './session.js';
import { print, printJson } from './streams.js';

const options = {
  model: requiredPath('model', 'Folder of the tuned model π_θ, or of any model'),
  base: path('base', 'folder of the base LM π_0, or of any with the same vocabulary', 'the embedded one'),
  data: path(
    'data',
    'JSONL of {"prompt"} or {"prompt_ids"}, with "completion" or "completion_ids" or without, or of {"context"}; or a table of contexts (.arrow)',
  ),
  task: taskOptions.task,
  ...skipOption,
  unconditional: wholeNumber('unconditional', 1, 'instead of --data: texts sampled without a prompt', 'none'),
  samples: wholeNumber('samples', 1, 'texts sampled for each prompt', '1'),
  'max-tokens': wholeNumber('max-tokens', 1, 'tokens of a text at most', '48'),
  seed: wholeNumber('seed', 0, 'seed of everything random', '0'),
  round: wholeNumber('round', 1, 'round k, for the seeds', '1'),
  out: path('out', "the report's folder", 'checkpoints/NAME, a name made from the options'),
  ...engineOptions,
  json: { type: 'boolean' as const, description: 'the report as one JSON document on standard output' },
};
type KlArguments = InferredOptionTypes<typeof options>;

/** Where the texts come from. @throws UserError where that is said twice, or not at all */
function textsFrom({ data, unconditional, samples }: KlArguments) {
  if (data !== undefined && unconditional !== undefined)
    throw new UserError('--data and --unconditional exclude each other: texts continue prompts, or nothing');
  if (unconditional !== undefined) {
    if (samples !== undefined)
      throw new UserError('--samples is for prompts; --unconditional already says how many texts');
    return { unconditional };
  }
  if (data === undefined)
    throw new UserError('kl needs --data FILE with prompts, or --unconditional N for texts without a prompt');
  return { data };
}

export const klCommand: CommandModule<object, KlArguments> = {
  command: 'kl',
  describe: 'KL between two models in both directions, alone: page, JSON and table, in a folder',
  builder: options,
  handler: async (given) => {
    const asked = (['samples', 'max-tokens', 'seed', 'round'] as const).filter(
      (name) => given[name] !== undefined,
    );
    // Its --data are prompts, not contexts of a task.
    const kl = {
      task: await promptsOf(taskChoiceFrom({ task: given.task }).task),
      tooLong: tooLongFrom(given),
      tuned: given.model,
      base: given.base ?? embeddedModel('base'),
      texts: textsFrom(given),
      samples: given.samples ?? 1,
      maxTokens: given['max-tokens'] ?? DEFAULTS.maxTokens,
      place: placeFrom(given),
      asked,
    };
    const { klCommand: run, klFolder } = await import('../kl/command.js');
    const { renderKl, renderKlTerminal, terminalOf } = await import('../report/index.js');
    await compute(given, async ({ progress, stop }, engine) => {
      const versions = {
        ilf: packageVersion(),
        node: process.version,
        engine: engine.name,
        precision: engine.precision,
      };
      const out = given.out ?? klFolder(kl);
      const { report, document } = await run(kl, out, versions, renderKl, progress);
      stop();
      await (given.json ? printJson(document) : print(renderKlTerminal(report, terminalOf(process.stdout))));
    });
  },
};
