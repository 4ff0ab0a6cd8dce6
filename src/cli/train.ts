import type { CommandModule, InferredOptionTypes } from 'yargs';
import { targetKinds } from '../ilf/target-kinds.js';
import type { LoopSettings } from '../library/settings.js';
import {
  engineOptions,
  feedbackOption,
  instructFrom,
  instructOptions,
  path,
  positive,
  rankerFrom,
  rankerOptions,
  samplingFrom,
  samplingOptions,
  skipOption,
  taskChoiceFrom,
  taskOptions,
  tuningFrom,
  tuningOptions,
  wholeNumber,
} from './options.js';
import { compute } from './session.js';
import { notice, print, printJson } from './streams.js';

const options = {
  ...taskOptions,
  ...skipOption,
  base: path('base', 'folder of the base LM π_0 that is trained', 'the embedded one'),
  ...instructOptions,
  feedback: feedbackOption,
  run: path('run', "the run's folder", 'checkpoints/NAME, a name made from the options'),
  fresh: { type: 'boolean' as const, description: 'start anew, even if this run was started before' },
  contexts: wholeNumber('contexts', 1, 'contexts c a round', '300'),
  heldout: wholeNumber('heldout', 1, 'held-out contexts to measure on', '250'),
  samples: {
    ...wholeNumber('samples', 1, 'refinements N sampled for each output', '5'),
    alias: 'n',
  },
  rounds: wholeNumber('rounds', 1, 'rounds K, each with contexts of its own', '1'),
  continue: {
    type: 'boolean' as const,
    description: "a round tunes the last one's model on its own targets",
    defaultDescription: 'so it does',
    conflicts: 'retrain',
  },
  retrain: {
    type: 'boolean' as const,
    description: 'a round tunes π_0 on the targets of all rounds so far, instead',
  },
  targets: {
    choices: targetKinds.map(({ name }) => name),
    requiresArg: true,
    description: 'what π_θ is tuned on: the picked refinements, or controls and baselines of that',
    defaultDescription: 'ilf',
  },
  ...rankerOptions,
  ...samplingOptions,
  ...tuningOptions,
  beta: positive(
    'beta',
    'inverse temperature β of the posterior, in the report and the targets of that name',
    '10',
  ),
  ...engineOptions,
  json: {
    type: 'boolean' as const,
    description: 'one JSON document on standard output, and nothing else there',
  },
};
export type TrainArguments = InferredOptionTypes<typeof options>;

export const trainCommand: CommandModule<object, TrainArguments> = {
  command: '$0',
  describe: 'the whole loop: generate, feedback, refine, rank, finetune, measure',
  builder: options,
  handler: async (given) => {
    const settings = settingsFrom(given);
    // What is quickly found wrong is, before all that computes is loaded.
    const { checkSettings, sizesOn } = await import('../library/settings.js');
    const task = await checkSettings(settings);
    const { plain, renderCaveats, renderFinal, renderSample, terminalOf } = await import(
      '../report/index.js'
    );

    await compute(given, async (reporter, engine) => {
      const { name } = engine;
      if (name === 'wasm' && given.contexts === undefined && given.heldout === undefined && !given.data) {
        const { contexts, heldout } = sizesOn(name);
        notice(
          `the engine wasm is slow: a smaller run of ${contexts} contexts, measured on ${heldout} (--contexts, --heldout)`,
        );
      }
      const { runTask } = await import('../library/run-task.js');
      const { dir, outcome } = await runTask(task, settings, engine, reporter);
      const { report, document } = outcome;
      if (given.json) return printJson(document);
      const terminal = terminalOf(process.stdout);
      const shown = report.samples.map((sample) => renderSample(sample, report.words, terminal));
      const caveats = renderCaveats(report, terminal);
      await print(
        [...(caveats === null ? [] : [caveats]), ...shown, renderFinal(report, terminal)].join('\n\n'),
      );
      await print(`\nRun folder: ${plain(dir)} (report.html, result.json)`);
    });
  },
};

/** The library's names for the options. */
const settingsFrom = (given: TrainArguments): LoopSettings => ({
  ...taskChoiceFrom(given),
  ...instructFrom(given),
  ...rankerFrom(given),
  ...samplingFrom(given),
  ...tuningFrom(given),
  base: given.base,
  feedback: given.feedback,
  contexts: given.contexts,
  heldout: given.heldout,
  samples: given.samples,
  ...(given['skip-too-long'] && { skipTooLong: true as const }),
  rounds: given.rounds,
  roundMode: given.retrain ? 'retrain' : 'continue',
  targets: given.targets,
  seed: given.seed,
  beta: given.beta,
  run: given.run,
  fresh: given.fresh,
});
