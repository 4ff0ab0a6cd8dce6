/** Models that do not know the texts they are given, in a sentence. */
import { basename } from 'node:path';
import { type Progress, texts } from '../pipeline/progress.js';
import { need, readerOf } from '../pipeline/too-long.js';
import type { Caveat, Familiarity } from '../report/caveats.js';
import type { Context, Task } from '../tasks/task.js';
import type { TextModel } from '../writers/text-model.js';
import { familiarityOf, familiarityRows, textsLookedAt } from './familiarity.js';

/** None, or the one caveat. */
export function unknownText(familiarity: readonly Familiarity[]): Caveat[] {
  const unknown = familiarity.filter(({ known }) => !known);
  if (unknown.length === 0) return [];
  const costs = unknown.map(({ model, roles, given, own }) => {
    return `${basename(model)} (${roles.join(', ')}) ${given.value.toFixed(1)} nats, one of its own ${own.value.toFixed(1)}`;
  });
  const all = unknown.length === familiarity.length;
  const which = unknown[0]!.texts === 'outputs' ? 'outputs that were given' : 'contexts';
  return [
    {
      kind: 'unknown text',
      says: `The models do not know such text${all ? '' : `, ${unknown.length} of ${familiarity.length}`}: a token of the ${which} costs ${costs.join('; ')}. What they write about it is no evidence of anything, nor is what is said of that.`,
    },
  ];
}

/** Contexts that a command looks at, which has no run to keep what it found. */
const LOOKED_AT = 32;

/** What a command tells at its start where `model` does not know the contexts; those of the task's own world it was made for. */
export async function tellUnknown(
  { model, role }: { model: TextModel; role: string },
  task: Pick<Task, 'prompts' | 'annotate' | 'annotates'>,
  contexts: readonly Context[],
  { maxTokens, seed }: { maxTokens: number; seed: number },
  tell: (line: string) => void,
  progress: Progress,
): Promise<void> {
  const reader = readerOf(model);
  const looked = contexts
    .filter((context) => !task.annotate || task.annotates?.(context) === false)
    .slice(0, LOOKED_AT)
    .map(({ id, text }): Context => ({ id, text }))
    .filter(({ text }) => need(reader, maxTokens, task.prompts.write(text)).tokens <= reader.window);
  if (looked.length === 0) return;
  const onTexts = texts(progress, 'whether the models know such text');
  const found = familiarityOf(await familiarityRows(model, task, looked, { maxTokens, seed }, onTexts));
  if (!found) return;
  const of = { model: model.dir, roles: [role], texts: textsLookedAt(looked), ...found };
  for (const { says } of unknownText([of])) tell(says);
}
