import type { CommandModule, InferredOptionTypes } from 'yargs';
import { targetKinds } from '../ilf/target-kinds.js';
import { openTask } from '../tasks/open.js';
import {
  DEFAULTS,
  embeddedModel,
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
import { packageVersion } from './package.js';
import { compute } from './session.js';
import { print, printJson } from './streams.js';

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
    // What is quickly found wrong is, before all that computes is loaded.
    const { requireModel } = await import('../writers/model-files.js');
    const { rankerOptionsOf } = await import('../pipeline/options.js');
    const { findRanker } = await import('../rankers/registry.js');
    const { base = embeddedModel('base'), seed = DEFAULTS.seed, feedback = null } = given;
    const choice = taskChoiceFrom(given);
    const task = await openTask(choice);
    const instruct = instructFrom(given);
    for (const dir of [base, ...Object.values(instruct)]) await requireModel(dir);
    const ranker = rankerFrom(given);
    const descriptor = await findRanker(ranker.ranker);
    const { models } = descriptor.madeFrom(rankerOptionsOf(task, { ...ranker, ...instruct, seed }));
    for (const dir of models) await requireModel(dir);
    const { openRunContext } = await import('../ilf/open.js');
    const { loop } = await import('../ilf/loop.js');
    const { writeOutcome } = await import('../ilf/outcome.js');
    const { plain, renderCaveats, renderFinal, renderHtml, renderSample, terminalOf } = await import(
      '../report/index.js'
    );

    await compute(given, async (reporter, engine) => {
      const size = defaultSize(engine.name);
      if (
        engine.name === 'wasm' &&
        given.contexts === undefined &&
        given.heldout === undefined &&
        !given.data
      )
        console.error(
          `the engine wasm is slow: a smaller run of ${size.contexts} contexts, measured on ${size.heldout} (--contexts, --heldout)`,
        );
      const run = await openRunContext(
        task,
        {
          ...choice,
          base,
          ...instruct,
          feedback,
          contexts: given.contexts ?? size.contexts,
          heldout: given.heldout ?? size.heldout,
          samples: given.samples ?? DEFAULTS.samples,
          ...(given['skip-too-long'] && { skipTooLong: true as const }),
          rounds: given.rounds ?? DEFAULTS.rounds,
          roundMode: given.retrain ? 'retrain' : 'continue',
          targets: given.targets ?? DEFAULTS.targets,
          ...ranker,
          seed,
          engine: engine.name,
          precision: engine.precision,
          ...samplingFrom(given),
          ...tuningFrom(given),
          beta: given.beta ?? DEFAULTS.beta,
        },
        { dir: given.run, fresh: given.fresh ?? false, version: packageVersion() },
        reporter,
      );
      try {
        const outcome = await loop(run);
        await writeOutcome(outcome, renderHtml, run.folder.path);
        if (given.json) await printJson(outcome.document);
        else {
          const terminal = terminalOf(process.stdout);
          const { samples, words } = outcome.report;
          const shown = samples.map((sample) => renderSample(sample, words, terminal));
          const first = renderCaveats(outcome.report, terminal);
          await print(
            [...(first === null ? [] : [first]), ...shown, renderFinal(outcome.report, terminal)].join(
              '\n\n',
            ),
          );
          await print(`\nRun folder: ${plain(run.folder.dir)} (report.html, result.json)`);
        }
      } finally {
        await run.close();
      }
    });
  },
};

/** Without native kernels a run of the usual size would take an hour. */
const defaultSize = (engine: string) =>
  engine === 'wasm' ? { contexts: 40, heldout: 30 } : { contexts: 300, heldout: 250 };
