/**
 * npm run kill-sweep -- [--kills N] [--command C…] [--seed S] [--jobs N] [--json]: commands that are killed (SIGKILL) at random moments and
 * at random steps of what they do to files, up to five times in a row, and then given again. What they leave must be, byte for byte, what an
 * undisturbed one leaves, and nothing else. Exit status 1 where it is not; such folders are kept.
 */
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { SingleBar } from 'cli-progress';
import Table from 'cli-table3';
import yargs from 'yargs';
import { seeded } from '../fuzz/mutate.js';
import { cli } from '../helpers/cli.js';
import writeTinyModels from '../helpers/tiny-models.js';
import { type Command, commands } from './commands.js';
import { differences, leftIn } from './compare.js';

interface Count {
  command: string;
  /** At a step, and at a moment. */
  atStep: number;
  atMoment: number;
  /** Series of kills, each of which ended with a whole run. */
  series: number;
  findings: string[];
}

const { kills, command, seed, jobs, keep, json } = await yargs(process.argv.slice(2))
  .scriptName('npm run kill-sweep --')
  .usage('$0: commands that are killed, and what they leave')
  .options({
    kills: { type: 'number', default: 200, description: 'of all commands together' },
    command: { array: true, choices: commands.map(({ name }) => name), description: 'these only' },
    seed: { type: 'number', default: 1, description: 'of the moments' },
    jobs: {
      type: 'number',
      alias: 'j',
      default: Math.max(1, Math.floor(availableParallelism() / 2)),
      description: 'commands at a time',
    },
    keep: { type: 'string', default: 'checkpoints/kill-sweep', description: 'where what differs is kept' },
    json: { type: 'boolean', default: false, description: 'the outcome as JSON on standard output' },
  })
  .strict()
  .parseAsync();

const scratch = mkdtempSync(join(tmpdir(), 'ilf-kill-'));
const models = join(scratch, 'models');
process.on('exit', () => rmSync(scratch, { recursive: true, force: true }));
process.env.ILF_THREADS = '1';

const chosen = commands.filter(({ name }) => command?.includes(name) ?? true);
const shares = chosen.reduce((sum, { share }) => sum + share, 0);
const bar = new SingleBar({
  format: '{bar} {value}/{total} kills, {findings} findings, {eta_formatted} left',
});
let findings = 0;

async function sweep({ name, words, hooks = [], prepare, share }: Command): Promise<Count> {
  const count: Count = { command: name, atStep: 0, atMoment: 0, series: 0, findings: [] };
  const random = seeded(seed);
  const dir = join(scratch, name);
  // Pages name their folder, so all runs are in one place.
  const [inputs, place] = [join(dir, 'inputs'), join(dir, 'place')];
  mkdirSync(inputs, { recursive: true });
  await prepare?.(inputs, models);
  const fresh = () => {
    rmSync(place, { recursive: true, force: true });
    cpSync(inputs, place, { recursive: true });
  };
  const run = (env: Record<string, string> = {}, killAfter?: number) =>
    cli(words(models), { cwd: place, hooks, env, ...(killAfter !== undefined && { killAfter }) });

  fresh();
  const started = performance.now();
  const file = join(dir, 'steps');
  const undisturbed = await run({ STEPS_FILE: file });
  if (undisturbed.code !== 0) throw new Error(`${name} fails undisturbed: ${undisturbed.stderr}`);
  const milliseconds = Math.ceil(performance.now() - started);
  const steps = Number(readFileSync(file, 'utf8'));
  const whole = leftIn(place);

  const most = Math.round((kills * share) / shares);
  while (count.atStep + count.atMoment < most) {
    fresh();
    const moments: string[] = [];
    const found: string[] = [];
    for (let left = 1 + random(5); left > 0; left--) {
      const isStep = random(2) === 0;
      const [step, moment] = [`${1 + random(steps)}${random(2) ? '+' : ''}`, random(milliseconds)];
      const { code, stderr } = isStep ? await run({ KILL_STEP: step }) : await run({}, moment);
      if (code === 0) break;
      moments.push(isStep ? `at step ${step}` : `after ${moment} ms`);
      if (code !== null || stderr !== '') {
        found.push(`it ended with status ${code}: ${stderr}`);
        break;
      }
      if (isStep) count.atStep += 1;
      else count.atMoment += 1;
      bar.increment({ findings });
    }
    const { code, stderr } = await run();
    if (code !== 0 || stderr !== '') found.push(`given again, it ended with status ${code}: ${stderr}`);
    else found.push(...differences(leftIn(place), whole));
    count.series += 1;
    if (found.length > 0) {
      findings += 1;
      const kept = join(keep, `${name}-${seed}-${count.series}`);
      rmSync(kept, { recursive: true, force: true });
      cpSync(place, kept, { recursive: true });
      count.findings.push(`${kept}: killed ${moments.join(', ')}: ${found.join('; ')}`);
    }
  }
  return count;
}

await writeTinyModels(models);
if (process.stderr.isTTY) bar.start(kills, 0, { findings });
const started = performance.now();
const queue = [...chosen];
const counts: Count[] = [];
const worker = async () => {
  for (let next = queue.shift(); next; next = queue.shift()) counts.push(await sweep(next));
};
await Promise.all(Array.from({ length: jobs }, worker)).finally(() => bar.stop());

const seconds = (performance.now() - started) / 1000;
if (json) console.log(JSON.stringify({ seed, seconds, counts }, null, 2));
else {
  const table = new Table({
    head: ['command', 'killed at a step', 'at a moment', 'runs ended whole', 'findings'],
    colAligns: ['left', 'right', 'right', 'right', 'right'],
    style: { head: [], border: [], compact: true },
  });
  for (const { command, atStep, atMoment, series, findings } of counts)
    table.push([command, atStep, atMoment, series - findings.length, findings.length]);
  const all = counts.reduce((sum, { atStep, atMoment }) => sum + atStep + atMoment, 0);
  console.log(`${table}\n${all} kills in ${seconds.toFixed(0)} s, seed ${seed}, ${findings} findings`);
  for (const finding of counts.flatMap(({ findings }) => findings)) console.log(finding);
}
if (findings > 0) process.exitCode = 1;
