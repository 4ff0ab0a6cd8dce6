/**
 * npm run bench: how fast this machine multiplies, trains, generates and scores, how much memory that takes, and how that
 * compares with PyTorch, oneDNN and TensorFlow where they are installed. Prints tables and, last, one JSON document.
 *
 * Models of random weights on random tokens: speed does not depend on what a model has learned. Each measurement runs in a
 * process of its own. Leaves out text: tokenizing is 500 times faster than training (LOG.md).
 */
import yargs, {
  type ArgumentsCamelCase,
  type CommandModule,
  type InferredOptionTypes,
  type Options,
} from 'yargs';
import { runCommands } from '../src/cli/run.js';
import { gemm, gemmOptions } from './gemm.js';
import { generate, generateOptions } from './generate.js';
import { findGpu, type GpuGiven, gpuOptions, gpuParts } from './gpu.js';
import { kl, klOptions } from './kl.js';
import { describe, load, machine } from './machine.js';
import { commonOptions, type Given, modelOption, peerOptions } from './options.js';
import type { Outcome } from './outcome.js';
import { parity, parityOptions } from './parity.js';
import { markdown, provenance, resultName, resultsDir, unwritten, writeResults } from './results.js';
import { scaling, scalingOptions } from './scaling.js';
import { renderTable } from './table.js';
import { train, trainOptions } from './train.js';

/** What was checked does not hold, or a part did not run. */
let failed = false;

/**
 * Runs benches one after the other and prints them. keep: is given all that was measured when nothing is left to do; what it
 * says is printed.
 */
async function run(
  given: Given,
  benches: readonly (() => Promise<Outcome>)[],
  keep?: (document: object, outcomes: readonly Outcome[]) => Promise<string>,
): Promise<void> {
  const here = machine();
  const before = load();
  const outcomes: Outcome[] = [];
  for (const bench of benches) {
    const outcome = await bench();
    if (outcomes.length === 0) console.log(`${describe(here)}; load average ${before} before`);
    outcomes.push(outcome);
    for (const table of outcome.tables) console.log(`\n${renderTable(table, given.markdown ?? false)}`);
    if (outcome.notes.length > 0) console.log(`\n${outcome.notes.map((note) => `- ${note}`).join('\n')}`);
  }
  console.log();
  if (outcomes.some(({ bench }) => bench !== 'parity')) {
    console.log(MEDIANS);
    if (before > BUSY * here.cores) console.log(`${BUSY_WARNING} The load average was ${before}.`);
  }
  const document = {
    bench: outcomes.length === 1 ? outcomes[0]!.bench : 'all',
    quick: given.quick ?? false,
    machine: here,
    loadAverage: { before, after: load() },
    options: shown(given),
    outcomes: outcomes.map(({ bench, notes, results }) => ({ bench, notes, results })),
  };
  if (keep) console.log(await keep(document, outcomes));
  console.log('Last line: JSON.');
  console.log(JSON.stringify(document));
  failed ||= outcomes.some((outcome) => outcome.failed);
}

/** Everything on a GPU, and its file of results. */
async function runOnGpu(given: GpuGiven, words: readonly string[]): Promise<void> {
  const gpu = await findGpu(given);
  await run(given, gpuParts(given, gpu), async (document, outcomes) => {
    const why = unwritten(gpu, given.quick ?? false);
    if (why) return why;
    const from = await provenance(gpu, words);
    const text = markdown(from, describe(machine()), outcomes);
    const name = resultName(gpu.name, from.date);
    const paths = await writeResults(given.out ?? resultsDir, name, text, { ...from, ...document });
    return `written: ${paths.join(', ')}`;
  });
}

const MEDIANS =
  'Medians over rounds (least to most) of the medians in a process; ours ÷ this above 1: ours is faster.';
/** Load of a core above which others compute here, too. */
const BUSY = 0.25;
const BUSY_WARNING =
  'The machine was busy: the numbers are worth little, and peers that spin while they wait (OpenMP) suffer most.';

/** Options as given, once each, without paths of this machine. */
const shown = (given: Given): object =>
  Object.fromEntries(
    Object.entries(given).filter(
      ([name]) => /^[a-z]+[a-zA-Z]*$/.test(name) && name !== 'peerPython' && name !== 'out',
    ),
  );

/** A command whose options the benches take as they are parsed. */
function command<O extends Record<string, Options>>(
  name: string,
  describe: string,
  builder: O,
  benches: readonly ((given: ArgumentsCamelCase<InferredOptionTypes<O>>) => Promise<Outcome>)[],
): CommandModule<object, InferredOptionTypes<O>> {
  return {
    command: name,
    describe,
    builder,
    handler: (given) =>
      run(
        given as Given,
        benches.map((bench) => () => bench(given)),
      ),
  };
}

const allOptions = { ...commonOptions, ...modelOption, ...peerOptions };

/** @returns the exit status */
async function main(words: readonly string[]): Promise<number> {
  const commands = yargs([...words])
    .scriptName('npm run bench --')
    .usage('$0 [bench] [options]')
    .command(command('$0', 'gemm, train, generate and kl', allOptions, [gemm, train, generate, kl]))
    .command(command('gemm', "the models' matrix products", gemmOptions, [gemm]))
    .command(command('train', 'optimizer steps', trainOptions, [train]))
    .command(command('generate', 'sampling', generateOptions, [generate]))
    .command(command('kl', 'exact KL of two models, and log-probabilities', klOptions, [kl]))
    .command(command('scaling', 'against parameters, context and batch', scalingOptions, [scaling]))
    .command(command('parity', 'whether an engine computes what plain tfjs ops do', parityOptions, [parity]))
    .command({
      command: 'gpu',
      describe: 'all of this on an NVIDIA GPU, with a file of results',
      builder: gpuOptions,
      handler: (given) => runOnGpu(given as GpuGiven, words),
    })
    .version(false);
  const status = await runCommands(commands, 'npm run bench --');
  return status === 0 && failed ? 1 : status;
}

process.exitCode = await main(process.argv.slice(2));
