import type { Context } from '../tasks/task.js';

/**
 * What a scorer says of texts [context][text], asked about all of them at once, since it may run them side by side.
 * `toItem` makes what it is asked about.
 */
export async function flatly<Item, Said>(
  contexts: readonly Context[],
  texts: readonly (readonly string[])[],
  toItem: (context: Context, text: string) => Item,
  ask: (items: Item[]) => Promise<Said[]>,
): Promise<Said[][]> {
  const items = contexts.flatMap((context, i) => texts[i]!.map((text) => toItem(context, text)));
  const said = (await ask(items)).values();
  return texts.map((of) => of.map(() => said.next().value!));
}
