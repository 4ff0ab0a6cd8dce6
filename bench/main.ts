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
import { guardStreams } from '../src/cli/streams.js';
import { gemm } from './gemm.js';
import { generate, generateOptions } from './generate.js';
import { bars, type GpuGiven, gpuOptions, gpuParts } from './gpu.js';
import { kl, klOptions } from './kl.js';
import { type Given, peerBenchOptions } from './options.js';
import { parity, parityOptions } from './parity.js';
import type { Part } from './parts.js';
import type { Peer } from './peers.js';
import type { Gpu } from './report.js';
import { runBench } from './run.js';
import { scaling, scalingOptions } from './scaling.js';
import { train, trainOptions } from './train.js';

guardStreams();
const words = process.argv.slice(2);
/** What was checked does not hold, or a part did not run. */
let failed = false;

/** A command whose options its plan takes as they are parsed. */
function command<O extends Record<string, Options>>(
  name: string,
  describe: string,
  builder: O,
  plan: (given: ArgumentsCamelCase<InferredOptionTypes<O>>, peers: readonly Peer[]) => Part[],
): CommandModule<object, InferredOptionTypes<O>> {
  return {
    command: name,
    describe,
    builder,
    handler: async (given) => {
      failed = !(await runBench({ name, given: given as Given, words, plan: (peers) => plan(given, peers) }));
    },
  };
}

const commands = yargs([...words])
  .scriptName('npm run bench --')
  .usage('$0 [bench] [options]')
  .command(
    command('$0', 'train, generate, kl and gemm', peerBenchOptions, (given, peers) => [
      ...train(given, peers),
      ...generate(given, peers),
      ...kl(given, peers),
      ...gemm(given, peers),
    ]),
  )
  .command(command('gemm', "the models' matrix products", peerBenchOptions, gemm))
  .command(command('train', 'optimizer steps', trainOptions, (given, peers) => train(given, peers)))
  .command(command('generate', 'sampling', generateOptions, generate))
  .command(
    command('kl', 'exact KL of two models, and log-probabilities', klOptions, (given, peers) =>
      kl(given, peers),
    ),
  )
  .command(command('scaling', 'against parameters, context and batch', scalingOptions, scaling))
  .command(command('parity', 'whether an engine computes what plain tfjs ops do', parityOptions, parity))
  .command({
    command: 'gpu',
    describe: 'all of this on an NVIDIA GPU',
    builder: gpuOptions,
    handler: async (asked) => {
      const given = { ...asked, engine: 'cuda' } as GpuGiven;
      const plan = (peers: readonly Peer[], gpu: Gpu | null) => gpuParts(given, peers, gpu!);
      failed = !(await runBench({ name: 'gpu', given, words, plan, summarize: bars }));
    },
  })
  .version(false);
const status = await runCommands(commands, 'npm run bench --', ['model', 'part', 'peer-python', 'precision']);
process.exitCode = status === 0 && failed ? 1 : status;
