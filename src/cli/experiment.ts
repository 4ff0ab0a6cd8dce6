import { resolve } from 'node:path';
import type { CommandModule, InferredOptionTypes } from 'yargs';
import { STUDIES } from '../experiment/names.js';
import { packageVersion } from '../store/package.js';
import {
  DEFAULTS,
  embeddedModel,
  engineOptions,
  path,
  rankerOptions,
  samplingFrom,
  samplingOptions,
  skipOption,
  taskChoiceFrom,
  tuningFrom,
  tuningOptions,
  wholeNumber,
} from './options.js';
import { compute } from './session.js';
import { print, printJson } from './streams.js';

const { seed: _, ...sampling } = samplingOptions;
const options = {
  studies: {
    choices: STUDIES,
    array: true as const,
    requiresArg: true,
    description: 'which of the studies; without, all of them',
  },
  seeds: wholeNumber('seeds', 1, 'seeds 0 to K − 1, each with models of its own', '3; 1 with --quick'),
  quick: { type: 'boolean' as const, description: 'everything much smaller: a few minutes, wide intervals' },
  base: path('base', 'folder of the base LM π_0', 'the embedded one'),
  instruct: path('instruct', 'folder of the instruction-tuned LM', 'the embedded one'),
  data: path(
    'data',
    'your own contexts: JSONL of {"context", "gold", "output"?, "feedback"?}; scored against gold',
    'the embedded world',
  ),
  ...skipOption,
  out: path('out', 'where the results go', 'checkpoints/experiment, or -quick'),
  host: rankerOptions.host,
  ...sampling,
  ...tuningOptions,
  ...engineOptions,
  json: { type: 'boolean' as const, description: 'the results as one JSON document on standard output' },
};

export const experimentCommand: CommandModule<object, InferredOptionTypes<typeof options>> = {
  command: 'experiment',
  describe:
    'every ranker, baseline and posterior of the papers, measured: tables, figures, verdicts, one page',
  builder: options,
  handler: async (given) => {
    const { requireModel } = await import('../writers/model-files.js');
    const base = given.base ?? embeddedModel('base');
    const instruct = given.instruct ?? embeddedModel('instruct');
    await requireModel(base);
    await requireModel(instruct);
    const { experiment } = await import('../experiment/experiment.js');
    const { full, quick } = await import('../experiment/scale.js');
    const { studies } = await import('../experiment/studies/index.js');
    const { plain, renderExperimentTerminal, terminalOf } = await import('../report/index.js');
    const isQuick = given.quick ?? false;
    const seeds = given.seeds ?? (isQuick ? 1 : 3);
    const dir = given.out ?? resolve('checkpoints', isQuick ? 'experiment-quick' : 'experiment');
    await compute(given, async (reporter, engine) => {
      const { report, document } = await experiment(
        {
          dir,
          seeds: Array.from({ length: seeds }, (_, seed) => seed),
          studies: studies.filter(({ name, embedded }) =>
            given.studies ? given.studies.includes(name) : !embedded || given.data === undefined,
          ),
          scale: isQuick ? quick : full,
          command: `node train.js ${process.argv.slice(2).join(' ')}`,
          quick: isQuick,
          version: packageVersion(),
          loop: {
            base,
            ...taskChoiceFrom({ data: given.data }),
            refiner: instruct,
            critic: instruct,
            judge: instruct,
            feedback: null,
            ...(given['skip-too-long'] && { skipTooLong: true as const }),
            samples: DEFAULTS.samples,
            rounds: 1,
            roundMode: 'continue',
            ranker: DEFAULTS.ranker,
            rewardModel: null,
            humanLikeness: null,
            host: given.host ?? DEFAULTS.host,
            targets: DEFAULTS.targets,
            engine: engine.name,
            precision: engine.precision,
            ...samplingFrom(given),
            ...tuningFrom(given),
            beta: DEFAULTS.beta,
          },
        },
        reporter,
      );
      reporter.stop();
      if (given.json) return printJson(document);
      await print(renderExperimentTerminal(report, terminalOf(process.stdout)));
      await print(`\nFolder: ${plain(dir)} (report.html, frontier.svg, result.json)`);
    });
  },
};
