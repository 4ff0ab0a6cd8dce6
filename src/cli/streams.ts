/** Standard output and standard error: read to their end or not, full, closed. */
import { asUserError } from '../store/errors.js';
import { errorLine, line as oneLine } from './error-line.js';

const STDOUT = 'standard output';

/**
 * For a program's start: a reader of standard output that went away, as in "… | head", ends it quietly; a full disk there in one line;
 * nobody at standard error changes nothing.
 */
export function guardStreams(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0);
    console.error(errorLine(asUserError(error, 'write to', STDOUT)));
    process.exit(2);
  });
  process.stderr.on('error', () => {});
}

/** Text to standard output, all of it. @throws UserError where that is full */
export function print(text: string): Promise<void> {
  return new Promise((resolve, reject) =>
    process.stdout.write(`${text}\n`, (error) =>
      error ? reject(asUserError(error, 'write to', STDOUT)) : resolve(),
    ),
  );
}

/** What a terminal would obey, and JSON.stringify leaves as it is. */
const OBEYED = /[\u007f-\u009f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/** A value as JSON; a text in it cannot steer a terminal. */
export const jsonText = (value: unknown, indent?: number): string =>
  JSON.stringify(value, null, indent).replace(
    OBEYED,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );

/** One JSON document on standard output. */
export const printJson = (value: unknown): Promise<void> => print(jsonText(value, 2));

/** A line on standard error that is no progress: it is printed where that is not wanted, too. */
export const notice = (line: string): void => console.error(oneLine(line));
