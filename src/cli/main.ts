/**
 * The command line. Bad input (UserError, unknown options) is one line on standard error and status 2; status 1 is a bug.
 */
import yargs from 'yargs';
import { UserError } from '../store/errors.js';
import { contextsCommand } from './contexts.js';
import { feedbackCommand } from './feedback.js';
import { finetuneCommand } from './finetune.js';
import { generateCommand } from './generate.js';
import { klCommand } from './kl.js';
import { packageVersion } from './package.js';
import { pretrainCommand } from './pretrain.js';
import { rankCommand } from './rank.js';
import { refineCommand } from './refine.js';
import { scoreCommand } from './score.js';
import { trainCommand } from './train.js';

/** @param words the command line without the program's name @returns the exit status */
export async function main(words: readonly string[]): Promise<number> {
  try {
    await yargs([...words])
      .scriptName('node train.js')
      .usage('$0 [command] [options]\n\nImitation learning from language feedback, on your own hardware.')
      .command(trainCommand)
      .command(contextsCommand)
      .command(generateCommand)
      .command(feedbackCommand)
      .command(refineCommand)
      .command(rankCommand)
      .command(finetuneCommand)
      .command(klCommand)
      .command(scoreCommand)
      .command(pretrainCommand)
      .version(packageVersion())
      .help()
      .strict()
      .locale('en')
      .wrap(Math.min(110, process.stdout.columns || 110))
      .parserConfiguration({ 'duplicate-arguments-array': true, 'strip-aliased': true })
      .exitProcess(false)
      .showHelpOnFail(false)
      .fail((message, error) => {
        // yargs' own errors, and those of option checks, which it wraps.
        if (!error || error.name === 'YError')
          throw new UserError(`${error?.message ?? message}; "node train.js --help" lists what there is`);
        throw error;
      })
      .parseAsync();
    return 0;
  } catch (error) {
    if (error instanceof UserError) {
      console.error(`error: ${error.message.replace(/\s+/g, ' ')}`);
      return 2;
    }
    console.error(error);
    return 1;
  }
}

// A reader that went away, as in "… | head", is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});

process.exitCode = await main(process.argv.slice(2));
