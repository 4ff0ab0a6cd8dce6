/**
 * A person's own contexts: a JSONL file of {"context", "output"?, "feedback"?, "gold"?}. A part of them is held out for
 * measuring, chosen by what they say, so that the order of the lines does not matter.
 */
import { basename } from 'node:path';
import { z } from 'zod';
import { UserError } from '../../store/errors.js';
import { readJsonl } from '../../store/jsonl.js';
import { hash32, random } from '../random.js';
import { prompts } from '../summarization.js';
import type { Context, Task } from '../task.js';
import { manyLines, oneLine, type TextFormat } from '../text-format.js';
import { asGiven } from './as-given.js';
import { likeness } from './likeness.js';

const text = z.string().regex(/\S/, 'it is empty');

/** A line; the same context twice is an error, since it could be learned from and measured on. */
function lineSchema() {
  const seen = new Set<string>();
  return z.strictObject({
    context: text.refine((context) => {
      const fresh = !seen.has(context.trim());
      seen.add(context.trim());
      return fresh;
    }, 'this context was given before; give each context once'),
    output: text.optional(),
    feedback: text.optional(),
    gold: text.optional(),
  });
}

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
  const lines = await readJsonl(path, lineSchema());
  if (lines.length < 2)
    throw new UserError(
      `${path}: ${lines.length} context${lines.length === 1 ? '' : 's'}; at least 2 are needed, one to learn from and one to measure on`,
    );
  const all = lines.map(({ context, output, feedback, gold }, i): Context => {
    return {
      id: String(i + 1),
      text: context.trim(),
      ...(output !== undefined && { output: asGiven(output) }),
      ...(feedback !== undefined && { feedback: asGiven(feedback) }),
      ...(gold !== undefined && { gold: asGiven(gold) }),
    };
  });
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
      feedback: formatOf(all.map(({ feedback }) => feedback)),
    },
    size: (split) => parts[split].length,
    contexts: (split, from, n) => parts[split].slice(from, from + n),
    ...(all.every(({ gold }) => gold !== undefined) && byReference),
  };
}
