/**
 * The tokens of a run's texts: they say the text, up to white space around it, and end it, once; and they are those of the model
 * that wrote it. What was given, or is a part of what was sampled, has none.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type OwnTokenizer, openOwnTokenizer } from './own-model.js';
import type { OutputRow, Run, WrittenRow } from './read-run.js';

/** Tables of texts that π_ψ wrote; π_θ wrote the others. */
const REFINED = ['refinements', 'no-feedback', 'shuffled-feedback'];
/** Targets that are taken from such tables. */
const FROM_REFINED = ['ilf', 'no-feedback', 'shuffled-feedback', 'posterior'];
/** Targets that nobody sampled as they are. */
const PUT_TOGETHER = ['gold', 'feedback-refinement'];

export function checkTokens({ rounds, rows, options }: Run, problem: (line: string) => void): void {
  const { base, refiner, targets } = options;
  if (![base, refiner].every((dir) => existsSync(join(dir, 'tokenizer_config.json')))) return;
  // What was tuned has π_0's.
  const [theta, psi] = [openOwnTokenizer(base), openOwnTokenizer(refiner)];
  const keys = new Map<string, string>();
  const check = (table: string, of: OwnTokenizer, spelt: (row: WrittenRow) => boolean) => {
    for (const row of rows<WrittenRow>(table) ?? []) {
      const { context, text, ids, tokenizer } = row;
      const fault = (what: string) => problem(`${table}: the tokens of ${context} ${what}`);
      if (!spelt(row)) {
        if (ids.length > 0 || tokenizer !== '') fault('are there, though nobody sampled it');
        continue;
      }
      if (ids.indexOf(of.eos) !== ids.length - 1) fault('do not end it, or not once');
      if (of.decode(ids).trim() !== text) fault(`say ${JSON.stringify(of.decode(ids))}`);
      // A name for each tokenizer.
      const key = keys.get(of.content) ?? tokenizer;
      keys.set(of.content, key);
      if (tokenizer === '' || tokenizer !== key) fault(`are said to be of the tokenizer ${tokenizer}`);
    }
  };
  const sampled = (row: WrittenRow) => (row as OutputRow).sampled;
  for (const [k, place] of ['heldout', ...rounds].entries()) {
    // A model that writes feedback first has written more than its output: all that was tuned.
    const part = targets === 'feedback-refinement';
    check(`${place}/initial`, theta, (row) => sampled(row) && !(part && k > 1));
    check(`${place}/outputs`, theta, () => !(part && k > 0));
    for (const table of REFINED) check(`${place}/${table}`, psi, () => true);
    check(
      `${place}/targets`,
      FROM_REFINED.includes(targets) ? psi : theta,
      ({ context }) =>
        !PUT_TOGETHER.includes(targets) &&
        (targets !== 'initial' ||
          rows<OutputRow>(`${place}/initial`)!.some((row) => row.context === context && row.sampled)),
    );
  }
}
