/** The whole run: rounds one after another, each with what the last one tuned as its π_θ, and the report of them. */
import { needsJudge, openQuality } from '../measure/quality.js';
import { priorPolicy } from '../pipeline/policy.js';
import type { RunContext } from '../pipeline/run-context.js';
import { caveatsBefore } from './caveats.js';
import { heldOutTexts } from './heldout.js';
import { type Outcome, outcomeOf } from './outcome.js';
import { type Round, round } from './round.js';

export async function loop(run: RunContext): Promise<Outcome> {
  const { task, options } = run;
  const { contexts: n, heldout } = options;
  const before = await caveatsBefore(run, await needsJudge(options, task.contexts('heldout', 0, heldout)));
  const heldOut = await heldOutTexts(run, heldout);
  const quality = await openQuality(options, heldOut);
  const done: Round[] = [];
  let theta = priorPolicy(options);
  for (let k = 1; k <= options.rounds; k++) {
    const earlier = options.roundMode === 'retrain' ? done.map(({ targets }) => targets) : null;
    // Every round has contexts of its own.
    const of = { folder: `round-${k}`, from: (k - 1) * n, n, theta, before: earlier };
    const result = await round(run, of, heldOut, quality);
    if (theta.dir !== options.base) await run.models.close(theta.dir);
    theta = result.tuned;
    done.push(result);
  }
  return outcomeOf(run, { n, before, heldOut, quality, rounds: done });
}
