/**
 * A person's own contexts, from a JSONL file (lines.ts). A part of them is held out for measuring, chosen by what they say, so that the
 * order of the lines does not matter. A context comes once, however many lines are about it: it cannot be learned from and measured on.
 */
import { basename } from 'node:path';
import { UserError } from '../../store/errors.js';
import { hash32, random } from '../random.js';
import { prompts } from '../summarization.js';
import type { Context, Task } from '../task.js';
import { manyLines, oneLine, type TextFormat } from '../text-format.js';
import { likeness } from './likeness.js';
import { ignoredNotice, readLines } from './lines.js';

/** One line where all texts that were given are. */
const formatOf = (texts: readonly (string | undefined)[]): TextFormat =>
  texts.some((text) => text?.includes('\n')) ? manyLines : oneLine;

/** This share of the contexts, and at least one, is only measured on. */
const HELD_OUT = 0.2;

/** Where every context has a reference: an output that is more like it is preferred, and it is what people write. */
const byReference: Pick<Task, 'prefers' | 'written'> = {
  prefers: ({ id, gold }, first, second, key) => {
    const difference = likeness(first, gold!) - likeness(second, gold!);
    return difference === 0 ? random('preference', key, id, first, second).chance(0.5) : difference > 0;
  },
  written: ({ gold }) => gold!,
};

/** @throws UserError for a file that cannot be read, a bad line (with its number), or too few contexts */
export async function openFileTask(path: string): Promise<Task> {
  const { contexts, ignored } = await readLines(path);
  if (contexts.length < 2)
    throw new UserError(
      `${path}: ${contexts.length} context${contexts.length === 1 ? '' : 's'}; at least 2 are needed, one to learn from and one to measure on${ignoredNotice(
        path,
        ignored,
      )
        .map((line) => ` (${line})`)
        .join('')}`,
    );
  const feedbackFormat = formatOf(contexts.flatMap(({ feedback }) => feedback));
  const all = contexts.map(
    ({ feedback, ...rest }): Context => ({
      ...rest,
      ...(feedback.length > 0 && { feedback: feedback.join(feedbackFormat === oneLine ? ' ' : '\n') }),
    }),
  );
  const inOrder = [...all].sort(
    (a, b) => hash32(a.text) - hash32(b.text) || (a.text < b.text ? -1 : a.text > b.text ? 1 : 0),
  );
  const heldOut = Math.max(1, Math.round(HELD_OUT * all.length));
  const parts = { heldout: inOrder.slice(0, heldOut), ilf: inOrder.slice(heldOut) };
  const name = basename(path).replace(/\.jsonl?$/, '');
  return {
    name,
    about: `outputs for ${name}`,
    words: { context: 'context', contexts: 'contexts', output: 'output', outputs: 'outputs' },
    prompts,
    format: {
      output: formatOf(all.flatMap(({ output, gold }) => [output, gold])),
      feedback: feedbackFormat,
    },
    notices: ignoredNotice(path, ignored),
    size: (split) => parts[split].length,
    contexts: (split, from, n) => parts[split].slice(from, from + n),
    ...(all.every(({ gold }) => gold !== undefined) && byReference),
  };
}
