/** What the benches of whole models share: for each model and precision, ours beside PyTorch in alternating rounds. */
import { checkOurs, ours } from './child.js';
import { type ModelName, sizesOf } from './models.js';
import type { Settings } from './options.js';
import { contenderTable, type Outcome, resultOf } from './outcome.js';
import { asOptions, fastestOfEach, findPeers, type Mode, modes, type Peer } from './peers.js';
import type { Job, Repetitions } from './report.js';
import { alternate } from './rounds.js';

export interface ModelBench<Amount extends Repetitions> {
  bench: 'train' | 'generate' | 'kl';
  /** What reports hold, with the column's title. */
  works: Record<string, string>;
  amountOf: (model: ModelName) => Amount;
  describe: (amount: Amount) => string;
  modesOf?: (peer: Peer) => Mode[];
  /** What a peer's mode is chosen by, if not by all works. */
  chosenBy?: readonly string[];
  /** For below the table. */
  notes?: readonly string[];
}

export async function versusPeers<Amount extends Repetitions>(
  { quick, threads, engine, rounds, ...settings }: Settings,
  { bench, works, amountOf, describe, ...options }: ModelBench<Amount>,
): Promise<Outcome> {
  for (const precision of settings.precisions) await checkOurs({ work: 'check', engine, threads, precision });
  const peers = await findPeers(settings.peerPythons);
  const outcome: Outcome = { bench, tables: [], notes: [...(options.notes ?? [])], results: [] };
  for (const precision of settings.precisions)
    for (const model of settings.models) {
      const amount = amountOf(model);
      const title = `${bench}, ${model}, ${precision}, ${describe(amount)}`;
      const job = {
        work: bench,
        engine,
        threads,
        precision,
        sizes: sizesOf(model),
        amount,
      } as unknown as Job;
      const { contenders, notes } = await fastestOfEach(peers, (peer) => ({
        script: `${bench}.py`,
        args: ['--model', model, '--dtype', precision, ...asOptions(amount)],
        trialArgs: asOptions({ warmUp: 2, steps: 2 }),
        threads,
        modes: options.modesOf?.(peer) ?? modes(peer, false),
        ...(options.chosenBy && { what: options.chosenBy }),
        quick,
      }));
      const { reports, skipped } = await alternate(title, [ours(job), ...contenders], rounds);
      outcome.tables.push(contenderTable(title, reports, works));
      outcome.notes.push(...notes.map((note) => `${model}, ${precision}: ${note}`), ...skipped);
      outcome.results.push({ model, precision, amount, ...resultOf(reports, Object.keys(works)) });
    }
  return outcome;
}
