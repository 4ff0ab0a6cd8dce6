/** Errors as people read them. */
import { inspect } from 'node:util';
import { cutMiddle, plain } from '../report/terminal.js';
import { UserError } from '../store/errors.js';

/** Characters of a word, and of a line, at most: a name that was given may have 100,000. */
const LONGEST_WORD = 240;
const LONGEST = 800;

/** What is wrong with the input: one line. Of anything else, which is a bug, all that is known. Neither can steer a terminal. */
export function errorLine(error: unknown): string {
  if (!(error instanceof UserError)) return plain(inspect(error));
  return `error: ${line(error.message)}`;
}

/** One line, of a length that can be read. */
export function line(text: string): string {
  const words = plain(text).split(/\s+/);
  return cutMiddle(words.map((word) => cutMiddle(word, LONGEST_WORD)).join(' '), LONGEST);
}
