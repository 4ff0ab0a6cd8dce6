/** What the benches of whole models share: for each model and precision, ours beside PyTorch in alternating rounds. */
import type { Precision } from '../src/engine/index.js';
import { checkOurs, OURS, ours } from './child.js';
import { type ModelName, sizesOf } from './models.js';
import type { Settings } from './options.js';
import { contenderTable, type Outcome, type Result, resultOf, type Share } from './outcome.js';
import { asOptions, fastestOfEach, findPeers, type Mode, modes, type Peer } from './peers.js';
import type { Gpu, Job, Repetitions } from './report.js';
import { alternate } from './rounds.js';

/** What a peer runs. */
export interface PeerScript<Amount> {
  script: string;
  /** The contender's name; the peer's, if not given. */
  nameOf?: (peer: Peer) => string;
  /** Why this peer cannot; null where it can. */
  lacks?: (peer: Peer) => string | null;
  modesOf?: (peer: Peer, amount: Amount) => Mode[];
}

export interface ModelBench<Amount extends Repetitions> {
  bench: 'train' | 'generate' | 'kl';
  /** What reports hold, with the column's title. */
  works: Record<string, string>;
  amountOf: (model: ModelName) => Amount;
  describe: (amount: Amount) => string;
  scripts: readonly PeerScript<Amount>[];
  /** What a peer's mode is chosen by, if not by all works. */
  chosenBy?: readonly string[];
  /** Of a GPU's peaks, in bfloat16. */
  sharesOf?: (model: ModelName, amount: Amount, gpu: Gpu) => Share[];
  /** What one kind of work takes of another, on any machine. */
  ratios?: readonly Share[];
  /** For below the table. */
  notes?: readonly string[];
}

/** One model in one precision. */
export interface ModelResult extends Result {
  model: ModelName;
  precision: Precision;
  amount: Repetitions;
}

export async function versusPeers<Amount extends Repetitions>(
  { quick, threads, engine, rounds, device, ...settings }: Settings,
  { bench, works, amountOf, describe, scripts, ...options }: ModelBench<Amount>,
): Promise<Outcome> {
  for (const precision of settings.precisions) await checkOurs({ work: 'check', engine, threads, precision });
  const peers = await findPeers(settings.peerPythons, device);
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
      const field = [ours(job)];
      for (const { script, nameOf, lacks, modesOf } of scripts) {
        const able = peers.filter((peer) => !lacks?.(peer));
        for (const peer of peers) {
          const why = lacks?.(peer);
          if (why) outcome.notes.push(`${nameOf?.(peer) ?? peer.name} left out: ${why}`);
        }
        const { contenders, notes } = await fastestOfEach(able, (peer) => ({
          ...(nameOf && { name: nameOf(peer) }),
          script,
          args: ['--model', model, '--dtype', precision, '--device', device, ...asOptions(amount)],
          trialArgs: asOptions({ warmUp: 2, steps: 2 }),
          threads,
          modes: modesOf?.(peer, amount) ?? modes(peer, false),
          ...(options.chosenBy && { what: options.chosenBy }),
          quick,
        }));
        field.push(...contenders);
        outcome.notes.push(...notes.map((note) => `${title}: ${note}`));
      }
      const { reports, skipped } = await alternate(title, field, rounds);
      const gpu = reports.get(OURS)![0]!.gpu;
      const ofPeak = gpu && precision === 'bfloat16' ? options.sharesOf?.(model, amount, gpu) : undefined;
      const shares = [...(options.ratios ?? []), ...(ofPeak ?? [])];
      outcome.tables.push(contenderTable(title, reports, works, shares));
      outcome.notes.push(...skipped);
      outcome.results.push({
        model,
        precision,
        amount,
        ...resultOf(reports, Object.keys(works), shares),
      } satisfies ModelResult);
    }
  outcome.notes = [...new Set(outcome.notes)];
  return outcome;
}
