/** The benches as commands. Leaves out: how their command line ends (main.ts). */
import type { ArgumentsCamelCase, Argv, CommandModule, InferredOptionTypes, Options } from 'yargs';
import { plain } from '../src/report/terminal.js';
import { compareJournals } from './compare.js';
import { gemm } from './gemm.js';
import { generate, generateOptions } from './generate.js';
import { bars, type GpuGiven, gpuOptions, gpuParts } from './gpu.js';
import { kl, klOptions } from './kl.js';
import { type Given, peerBenchOptions } from './options.js';
import { parity, parityOptions } from './parity.js';
import type { Part } from './parts.js';
import type { Peer } from './peers.js';
import type { Gpu } from './report.js';
import { MEDIANS } from './results.js';
import { runBench } from './run.js';
import { scaling, scalingOptions } from './scaling.js';
import { renderTable } from './table.js';
import { train, trainOptions } from './train.js';

/**
 * All benches. `words` is the command line, which results are written with; `failed` is called where what was checked does not hold, or a
 * part did not run.
 */
export function benches(
  words: readonly string[],
  failed: () => void,
): readonly CommandModule<object, never>[] {
  /** A command whose options its plan takes as they are parsed. */
  const command = <O extends Record<string, Options>>(
    name: string,
    describe: string,
    builder: O,
    plan: (given: ArgumentsCamelCase<InferredOptionTypes<O>>, peers: readonly Peer[]) => Part[],
  ): CommandModule<object, InferredOptionTypes<O>> => ({
    command: name,
    describe,
    builder,
    handler: async (given) => {
      const of = { name, given: given as Given, words, plan: (peers: readonly Peer[]) => plan(given, peers) };
      if (!(await runBench(of))) failed();
    },
  });
  return [
    command('$0', 'train, generate, kl and gemm', peerBenchOptions, (given, peers) => [
      ...train(given, peers),
      ...generate(given, peers),
      ...kl(given, peers),
      ...gemm(given, peers),
    ]),
    command('gemm', "the models' matrix products", peerBenchOptions, gemm),
    command('train', 'optimizer steps', trainOptions, (given, peers) => train(given, peers)),
    command('generate', 'sampling', generateOptions, generate),
    command('kl', 'exact KL of two models, and log-probabilities', klOptions, (given, peers) =>
      kl(given, peers),
    ),
    command('scaling', 'against parameters, context and batch', scalingOptions, scaling),
    command('parity', 'whether an engine computes what plain tfjs ops do', parityOptions, parity),
    {
      command: 'compare <files..>',
      describe: 'ratios of what several commands have measured (.reports.jsonl)',
      builder: (yargs: Argv) =>
        yargs
          .positional('files', {
            type: 'string',
            array: true,
            demandOption: true,
            describe: 'Reports of processes',
          })
          .option('markdown', peerBenchOptions.markdown),
      handler: ({ files, markdown }: { files: string[]; markdown?: boolean }) => {
        for (const table of compareJournals(files))
          console.log(`\n${plain(renderTable(table, markdown ?? false))}`);
        console.log(`\n${MEDIANS}`);
      },
    },
    {
      command: 'gpu',
      describe: 'all of this on an NVIDIA GPU',
      builder: gpuOptions,
      handler: async (asked: GpuGiven) => {
        const given = { ...asked, engine: 'cuda' } as GpuGiven;
        const plan = (peers: readonly Peer[], gpu: Gpu | null) => gpuParts(given, peers, gpu!);
        if (!(await runBench({ name: 'gpu', given, words, plan, summarize: bars }))) failed();
      },
    },
  ] as readonly CommandModule<object, never>[];
}

/** Options that take several values. */
export const LISTS = ['files', 'model', 'part', 'peer-python', 'precision'];
