/**
 * npm run fuzz -- [--minutes N] [--inputs N] [--kind K…] [--seed S] [--jobs N] [--json]: files that are nearly right, read by the program's
 * own code in processes that may die. A finding is whatever is neither accepted nor refused in one line: a crash, another error, more
 * than 20 s, more than 1 GB. Each is kept in a folder, and read again by --replay FOLDER. Exit status 1 where there is one.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { SingleBar } from 'cli-progress';
import Table from 'cli-table3';
import yargs from 'yargs';
import { startEngine } from '../../src/engine/index.js';
import { commandFault } from './command.js';
import { folderOf, type Input, inputOf } from './input.js';
import type { Example } from './kind.js';
import { kinds } from './kinds/index.js';
import { openReader } from './reader.js';

interface Count {
  accepted: number;
  refused: number;
  commands: number;
  findings: number;
}
interface Finding {
  kind: string;
  seed: number;
  index: number;
  what: string;
  folder: string;
}

/** Inputs of a batch, for each of a hundred that a kind has: some seconds' work. */
const BATCH = 10;
/** One input in so many is read by the program itself, too. */
const COMMAND_EVERY = 2000;

const words = await yargs(process.argv.slice(2))
  .scriptName('npm run fuzz --')
  .usage('$0: files that are nearly right, and what the program says of them')
  .options({
    minutes: { type: 'number', default: 1, description: 'for how long' },
    inputs: { type: 'number', description: 'how many at most' },
    kind: { array: true, choices: kinds.map(({ name }) => name), description: 'of these kinds only' },
    seed: { type: 'number', default: 1, description: 'of everything random' },
    jobs: {
      type: 'number',
      alias: 'j',
      default: Math.max(1, Math.floor(availableParallelism() / 2)),
      description: 'processes that read at a time',
    },
    keep: { type: 'string', default: 'checkpoints/fuzz', description: 'where findings are kept' },
    replay: { type: 'string', description: 'a folder that was kept: reads it again, and nothing else' },
    json: { type: 'boolean', default: false, description: 'the outcome as JSON on standard output' },
  })
  .strict()
  .parseAsync();

const scratch = mkdtempSync(join(tmpdir(), 'ilf-fuzz-'));
process.on('exit', () => rmSync(scratch, { recursive: true, force: true }));

const examplesOf = new Map<string, Promise<Example[]>>();
function inputAt(kind: string, seed: number, index: number): Promise<Input> {
  const examples = examplesOf.get(kind) ?? kinds.find(({ name }) => name === kind)!.examples();
  examplesOf.set(kind, examples);
  return examples.then((all) => inputOf(kind, all, seed, index));
}

/** Writes an input's folder. */
function laid({ example, file, bytes }: Input, dir: string): string {
  folderOf(example, dir).put(file, bytes);
  return dir;
}

async function replay(folder: string): Promise<void> {
  const { kind, seed, index, what } = JSON.parse(
    readFileSync(join(folder, 'finding.json'), 'utf8'),
  ) as Finding;
  const { example, file } = await inputAt(kind, seed, index);
  console.log(`${kind}, ${example.name}, ${file}; it was: ${what}`);
  const reader = openReader(scratch);
  const { findings } = await reader.read({ kind, seed, from: index, count: 1 });
  reader.stop();
  const fault = example.command && (await commandFault(example, join(folder, 'input')));
  console.log(findings[0]?.what ?? 'read, it is accepted or refused in one line');
  if (fault) console.log(`given to the program: ${fault}`);
  if (findings.length > 0 || fault) process.exitCode = 1;
}

async function fuzz(): Promise<void> {
  const { seed, jobs, json, keep } = words;
  const started = performance.now();
  const seconds = () => (performance.now() - started) / 1000;
  const chosen = kinds.filter(({ name }) => words.kind?.includes(name) ?? true);
  const counts = new Map(
    chosen.map(({ name }) => [name, { accepted: 0, refused: 0, commands: 0, findings: 0 }]),
  );
  const next = new Map(chosen.map(({ name }) => [name, 0]));
  const findings: Finding[] = [];
  const most = words.inputs ?? Number.POSITIVE_INFINITY;
  let [given, sinceCommand, turn] = [0, 0, 0];
  let stopped = false;
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => {
      stopped = true;
    });
  const isOver = () => stopped || given >= most || seconds() >= words.minutes * 60;

  const keepFinding = async (kind: string, index: number, what: string) => {
    const folder = join(keep, `${kind}-${seed}-${index}`);
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    laid(await inputAt(kind, seed, index), join(folder, 'input'));
    const finding = { kind, seed, index, what, folder };
    writeFileSync(join(folder, 'finding.json'), `${JSON.stringify(finding, null, 2)}\n`);
    findings.push(finding);
    counts.get(kind)!.findings += 1;
  };

  const bar = new SingleBar({
    format: '{bar} {done} inputs, {findings} findings, {left} s left',
    etaBuffer: 1,
  });
  if (process.stderr.isTTY) bar.start(100, 0, { done: 0, findings: 0, left: '' });
  const show = () =>
    bar.update(Math.min(100, 100 * Math.max(seconds() / (words.minutes * 60), given / most)), {
      done: given,
      findings: findings.length,
      left: Math.max(0, words.minutes * 60 - seconds()).toFixed(0),
    });

  const firstWithCommand = async (kind: string, from: number, count: number) => {
    for (let index = from; index < from + count; index++)
      if ((await inputAt(kind, seed, index)).example.command) return index;
    return undefined;
  };

  const job = async (number: number) => {
    const place = join(scratch, String(number));
    mkdirSync(place);
    const reader = openReader(place);
    while (!isOver()) {
      const { name, share } = chosen[turn++ % chosen.length]!;
      const from = next.get(name)!;
      const count = Math.min(share * BATCH, most - given);
      next.set(name, from + count);
      given += count;
      const told = await reader.read({ kind: name, seed, from, count });
      const of: Count = counts.get(name)!;
      of.accepted += told.accepted;
      of.refused += told.refused;
      for (const { index, what } of told.findings) await keepFinding(name, index, what);
      sinceCommand += count;
      if (sinceCommand >= COMMAND_EVERY) {
        const index = await firstWithCommand(name, from, count);
        if (index !== undefined) {
          sinceCommand = 0;
          of.commands += 1;
          const input = await inputAt(name, seed, index);
          const fault = await commandFault(input.example, laid(input, join(place, 'given')));
          if (fault) await keepFinding(name, index, `given to the program: ${fault}`);
        }
      }
      show();
    }
    reader.stop();
  };
  await Promise.all(Array.from({ length: jobs }, (_, number) => job(number))).finally(() => bar.stop());

  if (json)
    console.log(
      JSON.stringify(
        { seed, seconds: seconds(), inputs: given, kinds: Object.fromEntries(counts), findings },
        null,
        2,
      ),
    );
  else {
    const table = new Table({
      head: ['kind', 'accepted', 'refused', 'by the program', 'findings'],
      colAligns: ['left', 'right', 'right', 'right', 'right'],
      style: { head: [], border: [], compact: true },
    });
    for (const [name, of] of counts) table.push([name, of.accepted, of.refused, of.commands, of.findings]);
    console.log(
      `${table}\n${given} inputs in ${seconds().toFixed(0)} s, seed ${seed}, ${findings.length} findings`,
    );
    for (const { folder, what } of findings) console.log(`${folder}: ${what.split('\n')[0]}`);
  }
  if (findings.length > 0) process.exitCode = 1;
}

await startEngine();
if (words.replay !== undefined) await replay(words.replay);
else await fuzz();
