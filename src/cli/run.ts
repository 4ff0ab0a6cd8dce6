/** How a command line ends: what is wrong with the input is one line and status 2. Leaves out: which commands there are. */
import type { Argv } from 'yargs';
import { UserError } from '../store/errors.js';

/**
 * Parses and runs with what every command line of ours has in common. `name` is what the user typed before the words.
 * @returns the exit status
 */
export async function runCommands(commands: Argv<object>, name: string): Promise<number> {
  try {
    await commands
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
          throw new UserError(`${error?.message ?? message}; "${name} --help" lists what there is`);
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
