/** What a reader must know before any number of a run: said when it starts, in its headline, on its page and in result.json. */
import type { Estimate } from '../bayes/index.js';
import { familiarityStep } from '../measure/familiarity.js';
import { unknownText } from '../measure/unknown-text.js';
import type { LoopOptions } from '../pipeline/options.js';
import type { RunContext } from '../pipeline/run-context.js';
import type { Caveat, Familiarity } from '../report/caveats.js';
import { isModule } from '../store/plug-in.js';

/** Of fewer held-out contexts nothing is concluded; nor where the interval of the win rate is wider than this to each side. */
export const LEAST_HELD_OUT = 30;
export const MOST_WIDE = 0.2;

/** What is known before anything is written. */
export interface Before {
  caveats: Caveat[];
  /** Absent where the texts are the embedded world's, which the embedded models learned from. */
  familiarity?: Familiarity[];
}

/** Told as well, and then what there is to tell of the data. @param judged whether InstructRM decides wins */
export async function caveatsBefore(run: RunContext, judged: boolean): Promise<Before> {
  const { task, options, reporter, notices } = run;
  const heldOut = task.contexts('heldout', 0, options.heldout);
  const own = options.data !== null || (judged && isModule(options.task));
  const looked = [...heldOut, ...task.contexts('ilf', 0, options.contexts)];
  const familiarity = own ? await familiarityStep(run, looked) : undefined;
  const caveats = [
    ...unknownText(familiarity ?? []),
    ...fewContexts(heldOut.length),
    ...(judged ? noIndependentJudge(options) : []),
  ];
  // Of the embedded world everything is known but what was asked for.
  for (const line of [...(own ? caveats.map(({ says }) => says) : []), ...notices]) reporter.notice?.(line);
  return { caveats, ...(familiarity && { familiarity }) };
}

/** Those, and what only the measures show. */
export function caveatsAfter({ caveats }: Before, won: Estimate | undefined): Caveat[] {
  if (!won || caveats.some(({ kind }) => kind === 'few contexts')) return caveats;
  const width = (won.hi - won.lo) / 2;
  if (width <= MOST_WIDE) return caveats;
  const says = `Too few held-out contexts: of ${won.n} the interval of the win rate is wider than ±${100 * MOST_WIDE} points, which concludes nothing.`;
  const few: Caveat = { kind: 'few contexts', says };
  return [
    ...caveats.filter(({ kind }) => kind === 'unknown text'),
    few,
    ...caveats.filter(({ kind }) => kind !== 'unknown text'),
  ];
}

function fewContexts(n: number): Caveat[] {
  if (n >= LEAST_HELD_OUT) return [];
  const says = `Too few held-out contexts: ${n}, and of fewer than ${LEAST_HELD_OUT} nothing is concluded.`;
  return [{ kind: 'few contexts', says }];
}

/** Where it picked what is learned, or its model wrote that, it judges its own pupil. */
function noIndependentJudge({ ranker, judge, refiner }: LoopOptions): Caveat[] {
  const why = ranker.startsWith('instruct-rm')
    ? 'InstructRM, which judges, also picks what is learned'
    : judge === refiner
      ? 'the model that judges also writes what is learned'
      : null;
  return why === null ? [] : [{ kind: 'no independent judge', says: `No independent judge: ${why}.` }];
}
