/**
 * Alternating rounds: ours, then each peer, each in a process of its own; and again. What slows the machine for a while
 * thus slows all of them, and the ratio within a round is worth more than that of two runs an hour apart.
 */
import { UserError } from '../src/store/errors.js';
import { type Budget, TimeUp } from './budget.js';
import { ChildError, type Contender, OURS, runChild } from './child.js';
import type { Keep } from './journal.js';
import type { Report } from './report.js';
import { median, ratios, type Spread, spread } from './stats.js';

export interface Rounds {
  /** By name, in order; ours first. A report a round. */
  reports: Map<string, Report[]>;
  /** A line for each contender that failed; it has no reports. */
  skipped: string[];
  /** The time was up before the last round's end. */
  cut: boolean;
}

/**
 * Runs `rounds` rounds, or as many as the budget allows: the whole ones then, or those who ended in the first. `keep` is told of each
 * report at once.
 * @throws UserError where ours refuses the work, ChildError where ours fails, TimeUp where nothing was measured
 */
export async function alternate(
  title: string,
  contenders: readonly Contender[],
  rounds: number,
  budget: Budget,
  keep: Keep = () => {},
): Promise<Rounds> {
  const reports = new Map<string, Report[]>(contenders.map(({ name }) => [name, []]));
  const skipped: string[] = [];
  for (let round = 0; round < rounds; round++) {
    for (const contender of contenders) {
      const { name } = contender;
      const before = reports.get(name);
      if (!before) continue;
      try {
        const report = await runChild(contender, budget);
        before.push(report);
        keep({ part: title, contender: name, report });
      } catch (error) {
        if (error instanceof TimeUp) return { ...wholeRounds(title, reports, skipped), cut: true };
        if (!(error instanceof ChildError)) throw error;
        if (name === OURS) throw error.refused ? new UserError(error.message) : error;
        reports.delete(name);
        skipped.push(`${title}: ${name} left out: ${error.message}`);
      }
    }
    console.error(`${title}: round ${round + 1} of ${rounds} done`);
  }
  return { reports, skipped, cut: false };
}

/** What is left of rounds that were cut: ratios need as many reports of each. @throws TimeUp where there are none */
function wholeRounds(title: string, reports: Rounds['reports'], skipped: readonly string[]) {
  const ended = [...reports].filter(([, all]) => all.length > 0);
  if (ended.length === 0) throw new TimeUp();
  const least = Math.min(...ended.map(([, all]) => all.length));
  const late = [...reports.keys()].filter((name) => !ended.some(([other]) => other === name));
  return {
    reports: new Map(ended.map(([name, all]) => [name, all.slice(0, least)])),
    skipped: [...skipped, ...late.map((name) => `${title}: ${name} left out: the time was up`)],
  };
}

/** One contender at one kind of work, over all rounds. */
export interface Comparison {
  contender: string;
  what: string;
  /** Of the rounds' medians. */
  rate: Spread;
  /** Ours ÷ this one's, round by round; above 1 ours is faster. Null for ours, and where ours was not measured. */
  ratio: Spread | null;
}

/** A round's rates at one kind of work: the median of its repetitions. */
const roundRates = (reports: readonly Report[], what: string): number[] =>
  reports.map(({ rates }) => median(rates[what] ?? []));

export function compare(reports: Rounds['reports'], what: string): Comparison[] {
  const own = reports.get(OURS);
  return [...reports].map(([contender, theirs]) => ({
    contender,
    what,
    rate: spread(roundRates(theirs, what)),
    ratio: contender === OURS || !own ? null : ratios(roundRates(own, what), roundRates(theirs, what)),
  }));
}

/** The most of any round, MiB; null where a report does not say. */
export function peakGpuMiB(reports: readonly Report[]): number | null {
  const all = reports.map((r) => r.peakGpuMiB ?? Number.NaN);
  return all.some(Number.isNaN) ? null : Math.max(...all);
}

/** The most of any round, MiB. */
export const peakRssMiB = (reports: readonly Report[]): number =>
  Math.max(...reports.map((r) => r.peakRssMiB));
