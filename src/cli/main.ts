/**
 * The command line. Bad input (UserError, unknown options) is one line on standard error and status 2; status 1 is a bug, or that
 * `doctor --gpu` found one.
 */
import { basename } from 'node:path';
import yargs, { type CommandModule } from 'yargs';
import { packageVersion } from '../store/package.js';
import { bestOfNCommand } from './best-of-n.js';
import { contextsCommand } from './contexts.js';
import { doctorCommand } from './doctor.js';
import { experimentCommand } from './experiment.js';
import { feedbackCommand } from './feedback.js';
import { finetuneCommand } from './finetune.js';
import { generateCommand } from './generate.js';
import { klCommand } from './kl.js';
import { pretrainCommand } from './pretrain.js';
import { rankCommand } from './rank.js';
import { refineCommand } from './refine.js';
import { rewardModelCommand } from './reward-model.js';
import { rlCommand } from './rl.js';
import { runCommands } from './run.js';
import { scoreCommand } from './score.js';
import { targetsCommand } from './targets.js';
import { trainCommand } from './train.js';

export { guardStreams } from './streams.js';

/** What a person typed: `ilf` where it is installed as a command. */
const NAME = basename(process.argv[1] ?? '') === 'ilf' ? 'ilf' : 'node train.js';

/** All commands, in the order in which --help lists them; the first is the one without a name. */
export const COMMANDS = [
  trainCommand,
  contextsCommand,
  generateCommand,
  feedbackCommand,
  refineCommand,
  rankCommand,
  targetsCommand,
  finetuneCommand,
  rewardModelCommand,
  bestOfNCommand,
  rlCommand,
  klCommand,
  scoreCommand,
  experimentCommand,
  pretrainCommand,
  doctorCommand,
] as readonly CommandModule<object, never>[];

/** @param words the command line without the program's name @returns the exit status */
export async function main(words: readonly string[], commands = COMMANDS): Promise<number> {
  const program = yargs([...words])
    .scriptName(NAME)
    .usage('$0 [command] [options]\n\nImitation learning from language feedback, on your own hardware.')
    .command([...commands])
    .version(packageVersion());
  return runCommands(program, NAME, ['studies']);
}
