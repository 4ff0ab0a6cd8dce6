/**
 * What single processes reported, a line for each as it ends: whatever ends a bench, these are kept, and ratios can be taken
 * afterwards of what ran in several commands (`bench compare`).
 */
import { appendFileSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { z } from 'zod';
import { asUserError, UserError } from '../src/store/errors.js';
import type { Report } from './report.js';
import type { Rounds } from './rounds.js';

export interface Entry {
  /** The part's name: what was measured, with its amounts. */
  part: string;
  contender: string;
  report: Report;
}

/** Told of each report as it comes. */
export type Keep = (entry: Entry) => void;

export const journalAt = (path: string): Keep => {
  mkdirSync(dirname(path), { recursive: true });
  return (entry) => appendFileSync(path, `${JSON.stringify(entry)}\n`);
};

const entry = z.object({
  part: z.string(),
  contender: z.string(),
  report: z.looseObject({
    subject: z.string(),
    rates: z.record(z.string(), z.array(z.number().positive()).min(1)),
    peakRssMiB: z.number(),
    peakGpuMiB: z.number().optional(),
    kernelShare: z.record(z.string(), z.number()).optional(),
  }),
});

/** The part's name whether or not peers were measured, too. */
const measured = (part: string): string => part.replace(/, beside peers$/, '');

/**
 * All reports of these files, by what was measured and by who did it. A last line that is not whole is left out: the process that wrote it was
 * killed. @throws UserError for a file that is no such journal
 */
export function readJournals(paths: readonly string[]): Map<string, Rounds['reports']> {
  const all = new Map<string, Rounds['reports']>();
  for (const path of paths) {
    let text: string;
    try {
      text = readFileSync(path, 'utf8');
    } catch (error) {
      throw asUserError(error, 'read', path);
    }
    const lines = text.slice(0, text.lastIndexOf('\n') + 1).split('\n');
    for (const [i, line] of lines.entries()) {
      if (line === '') continue;
      const { part, contender, report } = parsed(line, `${path}, line ${i + 1}`);
      const reports = all.get(measured(part)) ?? new Map<string, Report[]>();
      reports.set(contender, [...(reports.get(contender) ?? []), report]);
      all.set(measured(part), reports);
    }
  }
  return all;
}

function parsed(line: string, where: string): Entry {
  try {
    return entry.parse(JSON.parse(line)) as Entry;
  } catch {
    throw new UserError(`${where}: this is no report of a bench; give files that end in .reports.jsonl`);
  }
}
