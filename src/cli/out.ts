/** What commands that write find out first: whether they can, and would replace nothing that is not theirs. */
import { isAbsolute } from 'node:path';
import { embeddedModel } from './options.js';

/** What a command reads: its options that are paths (these are absolute by now) but those that it writes, and the embedded models. */
export const inputsOf = (given: Record<string, unknown>, ...outputs: readonly string[]): string[] => [
  ...Object.entries(given)
    .filter(([option]) => !outputs.includes(option))
    .flatMap(([, value]) => (typeof value === 'string' && isAbsolute(value) ? [value] : [])),
  embeddedModel('base'),
  embeddedModel('instruct'),
];

/** @throws UserError where --out cannot become a file, or is one that is read */
export async function requireOutFile(given: { out: string }): Promise<void> {
  const { requirePlaceForFile } = await import('../store/place.js');
  await requirePlaceForFile(given.out, inputsOf(given, 'out'));
}

/** @throws UserError where --out cannot become a folder of ours, or holds what is not, or what is read */
export async function requireOutFolder(given: { out: string }): Promise<void> {
  const { requirePlaceForFolder } = await import('../store/place.js');
  await requirePlaceForFolder(given.out, inputsOf(given, 'out'));
}
