/**
 * Work on a tokenizer from elsewhere, which may never end, or grow without end: a regular expression that goes back and forth, a text
 * that becomes more than a string can be.
 */
import { createContext, Script } from 'node:vm';
import { UserError } from '../store/errors.js';

/** Texts of a book's length take a second. */
const MOST_SECONDS = 5;

const holder: { work?: () => void } = {};
const context = createContext(holder);
const script = new Script('work()');

/**
 * What `work` gives. @throws UserError, which begins with `what`, where it takes too long (JavaScript is stopped wherever it is) or
 * too much
 */
export function limited<T>(what: string, work: () => T): T {
  let result: { value: T } | undefined;
  holder.work = () => {
    result = { value: work() };
  };
  try {
    script.runInContext(context, { timeout: MOST_SECONDS * 1000 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_SCRIPT_EXECUTION_TIMEOUT')
      throw new UserError(`${what} takes more than ${MOST_SECONDS} seconds`);
    // Of strings and regular expressions beyond what can be, and of the stack.
    if (error instanceof RangeError || error instanceof SyntaxError)
      throw new UserError(`${what} takes more memory than there is`);
    throw error;
  } finally {
    delete holder.work;
  }
  return result!.value;
}
