/**
 * npm run bench: how fast this machine multiplies, trains, generates and scores, how much memory that takes, and how that
 * compares with PyTorch, oneDNN and TensorFlow where they are installed. Prints tables and, last, one JSON document.
 *
 * Models of random weights on random tokens: speed does not depend on what a model has learned. Each measurement runs in a
 * process of its own. Leaves out text: tokenizing is 500 times faster than training (LOG.md).
 */
import yargs from 'yargs';
import { runCommands } from '../src/cli/run.js';
import { guardStreams } from '../src/cli/streams.js';
import { benches, LISTS } from './commands.js';

guardStreams();
const words = process.argv.slice(2);
let failed = false;
const commands = yargs([...words])
  .scriptName('npm run bench --')
  .usage('$0 [bench] [options]')
  .command([
    ...benches(words, () => {
      failed = true;
    }),
  ])
  .version(false);
const status = await runCommands(commands, 'npm run bench --', LISTS);
process.exitCode = status === 0 && failed ? 1 : status;
