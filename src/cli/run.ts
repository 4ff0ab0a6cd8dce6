/** How a command line ends: what is wrong with the input is one line and status 2, what was asked about and does not hold status 1. Leaves out: which commands there are. */
import type { Argv } from 'yargs';
import { DoesNotHold, UserError } from '../store/errors.js';
import { errorLine } from './error-line.js';

/** @throws UserError for an option that was given twice, of those that are no `lists`: nobody can say which is meant */
function onceEach(given: Record<string, unknown>, lists: readonly string[]): true {
  for (const [key, value] of Object.entries(given)) {
    // yargs gives --peer-python as peerPython, too.
    const option = key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    if (Array.isArray(value) && option !== '_' && !lists.includes(option))
      throw new UserError(`--${option} was given ${value.length} times; give it once`);
  }
  return true;
}

/**
 * Parses and runs with what every command line of ours has in common. `name` is what the user typed before the words;
 * `lists` are the options that take several values.
 * @returns the exit status
 */
export async function runCommands(
  commands: Argv<object>,
  name: string,
  lists: readonly string[] = [],
): Promise<number> {
  try {
    await commands
      .help()
      .strict()
      .check((given) => onceEach(given, lists))
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
    console.error(errorLine(error));
    return error instanceof UserError && !(error instanceof DoesNotHold) ? 2 : 1;
  }
}
