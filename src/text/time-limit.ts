/** Work that may never end, such as a regular expression of a file from elsewhere that goes back and forth without end. */
import { createContext, Script } from 'node:vm';
import { UserError } from '../store/errors.js';

const holder: { work?: () => void } = {};
const context = createContext(holder);
const script = new Script('work()');

/** What `work` gives. @throws UserError where it takes more than `seconds`; JavaScript is stopped wherever it is */
export function withinTime<T>(seconds: number, what: string, work: () => T): T {
  let result: { value: T } | undefined;
  holder.work = () => {
    result = { value: work() };
  };
  try {
    script.runInContext(context, { timeout: seconds * 1000 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_SCRIPT_EXECUTION_TIMEOUT')
      throw new UserError(`${what} takes more than ${seconds} seconds`);
    throw error;
  } finally {
    delete holder.work;
  }
  return result!.value;
}
