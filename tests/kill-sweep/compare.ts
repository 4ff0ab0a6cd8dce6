/** What a command leaves, without what differs between two undisturbed ones: how long it took, and when. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { filesBelow } from '../helpers/cli.js';

const TIMES = ['seconds', 'finishedAt', 'tokensPerSecond'];
const withoutTimes = (text: string) =>
  JSON.stringify(JSON.parse(text), (key, value) => (TIMES.includes(key) ? null : value));

/** The files whose times are taken out, and how. */
const TIMED: readonly [file: RegExp, without: (text: string) => string][] = [
  [/(^|\/)(manifest|result)\.json$/, withoutTimes],
  [/\.log\.jsonl$/, (text) => text.trimEnd().split('\n').map(withoutTimes).join('\n')],
  [/(^|\/)report\.html$/, (text) => text.replace(/\b[\d.]+ (s|min|h)( \d+ (s|min))?\b/g, 'some time')],
];

/** A file's name without the time and the process in it, as TensorBoard wants them there. */
const nameOf = (file: string) => file.replace(/(events\.out\.tfevents)\..*$/, '$1');

export type Left = Map<string, string>;

/** Every file of a folder by its name. What TensorBoard's events say has times all over: they count as there. */
export function leftIn(dir: string): Left {
  return new Map(
    filesBelow(dir).map((file) => {
      const text = readFileSync(join(dir, file), 'latin1');
      const without = TIMED.find(([pattern]) => pattern.test(file))?.[1];
      return [nameOf(file), file === nameOf(file) ? (without?.(text) ?? text) : ''];
    }),
  );
}

/** What differs, a line each. */
export function differences(left: Left, whole: Left): string[] {
  const names = [...new Set([...left.keys(), ...whole.keys()])].sort();
  return names.flatMap((name) => {
    if (!whole.has(name)) return `${name} is left over`;
    if (!left.has(name)) return `${name} is missing`;
    return left.get(name) === whole.get(name) ? [] : `${name} has other bytes`;
  });
}
