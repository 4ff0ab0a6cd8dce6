/**
 * The process that reads: one batch of inputs after another, as its parent asks. It notes the number of the input before it reads it, so
 * that the parent knows which one it was when this process dies or hangs.
 */
import { openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { startEngine } from '../../src/engine/index.js';
import { folderOf, inputOf, outcomeOf } from './input.js';
import type { Example } from './kind.js';
import { kinds } from './kinds/index.js';
import { type Batch, NOTE, type Told } from './protocol.js';

const [, , scratch, noteFile] = process.argv as [string, string, string, string];
const note = openSync(noteFile, 'r+');
const examplesOf = new Map<
  string,
  { examples: Example[]; folders: Map<Example, ReturnType<typeof folderOf>> }
>();
const dirOf = (kind: string, examples: readonly Example[], example: Example) =>
  join(scratch, kind, String(examples.indexOf(example)));

async function opened(name: string) {
  let of = examplesOf.get(name);
  if (!of) {
    const examples = await kinds.find((kind) => kind.name === name)!.examples();
    const folders = new Map(examples.map((each) => [each, folderOf(each, dirOf(name, examples, each))]));
    of = { examples, folders };
    examplesOf.set(name, of);
  }
  return of;
}

async function run({ kind, seed, from, count }: Batch): Promise<Told> {
  const { examples, folders } = await opened(kind);
  const told: Told = { accepted: 0, refused: 0, findings: [] };
  for (let index = from; index < from + count; index++) {
    const { example, file, bytes } = inputOf(kind, examples, seed, index);
    const folder = folders.get(example)!;
    folder.put(file, bytes);
    writeSync(note, JSON.stringify([index, told.accepted, told.refused]).padEnd(NOTE), 0);
    const outcome = await outcomeOf(example, dirOf(kind, examples, example));
    if (outcome.is === 'finding') told.findings.push({ index, what: outcome.what });
    else told[outcome.is] += 1;
    if (example.writes) folder.fresh();
    else folder.restore(file);
  }
  return told;
}

/** What a library throws where nobody awaits it is a finding, too. */
for (const event of ['uncaughtException', 'unhandledRejection'] as const)
  process.on(event, (error: unknown) => {
    process.send!({ stray: `${event}: ${error instanceof Error ? error.stack : String(error)}` }, () =>
      process.exit(70),
    );
  });

await startEngine();
process.on('message', (batch: Batch) => {
  void run(batch).then((told) => process.send!(told));
});
process.send!('ready');
