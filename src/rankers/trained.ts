import { UserError } from '../store/errors.js';
import type { AnswerPrompt } from '../tasks/prompts.js';

/** The folder of a ranker that is a model of its own. @throws UserError where none was given */
export function trainedFolder(name: string, dir: string | null): string {
  if (dir === null)
    throw new UserError(
      `the ranker ${name} is a model of its own: make one by "node train.js reward-model", and give --${name} DIR`,
    );
  return dir;
}

/** What a prompt asks, without what it asks it about: a part of step keys. */
export const wordingOf = ({ prefix, suffix, positive, negative }: AnswerPrompt): string =>
  [prefix('') + suffix(''), positive, negative].join('|');
