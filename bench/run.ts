/** Runs one command's parts: prints each when it ends, keeps the files of results up to date, and prints the JSON document. */
import { join } from 'node:path';
import { plain } from '../src/report/terminal.js';
import { UserError } from '../src/store/errors.js';
import { TimeUp } from './budget.js';
import { checkOurs } from './child.js';
import { journalAt, type Keep } from './journal.js';
import { describe, load, machine } from './machine.js';
import { MODELS } from './models.js';
import { type Given, type Settings, settings } from './options.js';
import type { Outcome } from './outcome.js';
import { inOrderOfWorth, type Part, runParts } from './parts.js';
import { findPeers, type Peer } from './peers.js';
import { provenance } from './provenance.js';
import type { Gpu } from './report.js';
import { freeName, JOURNAL, MEDIANS, markdown, resultName, resultsDir, writeResults } from './results.js';
import { type BenchTable, renderTable } from './table.js';

export interface Command {
  /** "$0" is that without a name. */
  name: string;
  given: Given;
  /** As they were typed. */
  words: readonly string[];
  /** gpu: the one that its engine computes on. @throws UserError for what cannot be measured */
  plan: (peers: readonly Peer[], gpu: Gpu | null) => Part[];
  /** What the parts so far come to. */
  summarize?: (outcomes: readonly Outcome[]) => { table: BenchTable; results: object[] };
}

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

/** Who is measured: all are asked before anything is. @throws UserError where one of them cannot */
async function subjects(given: Given): Promise<{ gpu: Gpu | null; peers: Peer[] }> {
  const { engine, threads, precisions, peerPythons, peersOnly, device, budget }: Settings = settings(given);
  if (peersOnly && peerPythons.length === 0)
    throw new UserError('--peers-only needs a peer: give --peer-python');
  try {
    let gpu: Gpu | null = null;
    for (const precision of precisions)
      gpu = (await checkOurs({ work: 'check', engine, threads, precision }, budget)).gpu ?? null;
    return { gpu, peers: await findPeers(peerPythons, device, budget) };
  } catch (error) {
    if (!(error instanceof TimeUp)) throw error;
    throw new UserError(`--seconds ${given.seconds}: the time was up before the first part`);
  }
}

/** @returns whether all that was checked holds, and no part failed */
export async function runBench({ name, given, words, plan, summarize }: Command): Promise<boolean> {
  const { quick, budget } = settings(given);
  const before = load();
  const here = machine();
  const { gpu, peers } = await subjects(given);
  const parts = inOrderOfWorth(plan(peers, gpu), given.model ?? MODELS);
  const from = await provenance(here, gpu, words, quick);
  // What says nothing about speed is written only where that was asked for.
  const unwritten = from.caveat ?? (name === 'parity' ? 'nothing was timed' : null);
  const dir = given.out ?? (unwritten === null ? resultsDir : null);

  const outcomes: Outcome[] = [];
  const summary = () => (from.caveat === null ? summarize?.(outcomes) : undefined);
  const document = () => ({
    bench: name === '$0' ? 'all' : name,
    quick,
    machine: here,
    loadAverage: { before, after: load() },
    options: shown(given),
    outcomes: outcomes.map(({ tables: _, ...outcome }) => outcome),
    summary: summary()?.results,
  });
  const show = (table: BenchTable) => console.log(`\n${plain(renderTable(table, given.markdown ?? false))}`);
  const file = dir && freeName(dir, resultName(gpu?.name ?? here.cpu, from.date));
  const keep: Keep = dir ? journalAt(join(dir, `${file}${JOURNAL}`)) : () => {};
  let written: string[] = [];

  console.log(`${plain(describe(here))}; load average ${before} before`);
  await runParts(parts, budget, keep, async (outcome) => {
    // What holds for several parts is said once.
    const said = new Set(outcomes.flatMap(({ notes }) => notes));
    outcome.notes = outcome.notes.filter((note) => !said.has(note));
    outcomes.push(outcome);
    outcome.tables.forEach(show);
    if (outcome.notes.length > 0)
      console.log(plain(`\n${outcome.notes.map((note) => `- ${note}`).join('\n')}`));
    if (dir === null) return;
    const text = markdown(from, outcomes, summary()?.table);
    written = await writeResults(dir, file!, text, { ...from, ...document() });
  });
  const table = summary()?.table;
  if (table) show(table);
  console.log();
  if (outcomes.some(({ bench }) => bench !== 'parity')) {
    console.log(MEDIANS);
    if (before > BUSY * here.cores) console.log(`${BUSY_WARNING} The load average was ${before}.`);
  }
  console.log(dir === null ? `not written to a file: ${unwritten}` : `written: ${written.join(', ')}`);
  console.log('Last line: JSON.');
  console.log(JSON.stringify(document()));
  return outcomes.every(({ state }) => state !== 'failed');
}
