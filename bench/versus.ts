/**
 * What the benches of whole models share: for each model and precision a part with ours alone and, where there are peers, one
 * with ours beside them in alternating rounds.
 */
import type { Precision } from '../src/engine/index.js';
import { TimeUp } from './budget.js';
import { type Contender, OURS, ours } from './child.js';
import type { Keep } from './journal.js';
import { leastSeconds, type ModelName, sizesOf } from './models.js';
import type { Settings } from './options.js';
import { contenderTable, type Outcome, type Result, resultOf, type Share } from './outcome.js';
import type { Part } from './parts.js';
import { asOptions, fastestOfEach, type Mode, modes, type Peer } from './peers.js';
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
  /** The same, of what shares are counted by. */
  shareNote?: (model: ModelName, amount: Amount, gpu: Gpu) => string;
}

/** One model in one precision. */
export interface ModelResult extends Result {
  model: ModelName;
  precision: Precision;
  amount: Repetitions;
}

/** Seconds that Python takes to load PyTorch. */
const PYTHON = 5;

/** Ours alone takes one round where it is measured beside peers later: enough to have a number, should the time end. */
export const modelParts = <Amount extends Repetitions>(
  settings: Settings,
  peers: readonly Peer[],
  bench: ModelBench<Amount>,
): Part[] =>
  settings.precisions.flatMap((precision) =>
    settings.models.flatMap((model) => {
      const subject = { settings, bench, precision, model, amount: bench.amountOf(model) };
      const name = `${bench.bench}, ${model}, ${precision}, ${bench.describe(subject.amount)}`;
      const part = { bench: bench.bench, model };
      const least = leastSeconds(model, settings.quick);
      const alone: Part = {
        ...part,
        name,
        beside: false,
        least,
        run: (outcome, keep) => measure(subject, [], peers.length > 0 ? 1 : settings.rounds, outcome, keep),
      };
      if (peers.length === 0) return [alone];
      const beside: Part = {
        ...part,
        name: `${name}, beside peers`,
        beside: true,
        least: least + peers.length * (PYTHON + least),
        run: async (outcome, keep) => {
          const others = await contenders(subject, name, peers, outcome);
          if (others.length > 0) await measure(subject, others, settings.rounds, outcome, keep);
        },
      };
      return settings.peersOnly ? [beside] : [alone, beside];
    }),
  );

/** One model in one precision, to be measured. */
interface Subject<Amount extends Repetitions> {
  settings: Settings;
  bench: ModelBench<Amount>;
  precision: Precision;
  model: ModelName;
  amount: Amount;
}

/** Who can do it beside ours, each in its fastest mode. Why others cannot, and what was tried, goes to the notes. */
async function contenders<Amount extends Repetitions>(
  { settings, bench, precision, model, amount }: Subject<Amount>,
  name: string,
  peers: readonly Peer[],
  outcome: Outcome,
): Promise<Contender[]> {
  const { quick, threads, device, budget, peerMode } = settings;
  const all: Contender[] = [];
  for (const { script, nameOf, lacks, modesOf } of bench.scripts) {
    const modesFor = (peer: Peer) =>
      (modesOf?.(peer, amount) ?? modes(peer, false)).filter(
        ({ label }) => peerMode === undefined || label === peerMode,
      );
    const lack = (peer: Peer) =>
      lacks?.(peer) ?? (modesFor(peer).length === 0 ? `no mode "${peerMode}" there` : null);
    const able = peers.filter((peer) => !lack(peer));
    for (const peer of peers) {
      const why = lack(peer);
      if (why) outcome.notes.push(`${nameOf?.(peer) ?? peer.name} left out: ${why}`);
    }
    const workOf = (peer: Peer) => ({
      name: [nameOf?.(peer) ?? peer.name, ...(peerMode === undefined ? [] : [peerMode])].join(', '),
      script,
      args: ['--model', model, '--dtype', precision, '--device', device, ...asOptions(amount)],
      trialArgs: asOptions({ warmUp: 2, steps: 2 }),
      threads,
      modes: modesFor(peer),
      ...(bench.chosenBy && { what: bench.chosenBy }),
      quick,
    });
    const { contenders, notes } = await fastestOfEach(able, workOf, budget);
    all.push(...contenders);
    outcome.notes.push(...notes.map((note) => `${name}: ${note}`));
  }
  return all;
}

/** Rounds of ours beside others; what was measured goes to the outcome. @throws TimeUp where that was not all */
async function measure<Amount extends Repetitions>(
  { settings, bench, precision, model, amount }: Subject<Amount>,
  others: readonly Contender[],
  rounds: number,
  outcome: Outcome,
  keep: Keep,
): Promise<void> {
  const { engine, threads, budget, peersOnly } = settings;
  const { bench: work, works } = bench;
  const job = { work, engine, threads, precision, sizes: sizesOf(model), amount } as unknown as Job;
  const field = [...(peersOnly ? [] : [ours(job)]), ...others];
  const { reports, skipped, cut } = await alternate(outcome.part, field, rounds, budget, keep);
  const gpu = reports.get(OURS)?.at(0)?.gpu;
  const ofPeak = gpu && precision === 'bfloat16' ? bench.sharesOf?.(model, amount, gpu) : undefined;
  const shares = [...(bench.ratios ?? []), ...(ofPeak ?? [])];
  outcome.tables.push(contenderTable(outcome.part, reports, works, shares));
  if (gpu && ofPeak && bench.shareNote) outcome.notes.push(bench.shareNote(model, amount, gpu));
  outcome.notes.push(...(bench.notes ?? []), ...skipped);
  outcome.results.push({
    model,
    precision,
    amount,
    ...resultOf(reports, Object.keys(works), shares),
  } satisfies ModelResult);
  if (cut) throw new TimeUp();
}
