/** The whole run: rounds one after another, each from the weights of the last, and the report of them. */
import { UserError } from '../store/errors.js';
import { heldOutTexts } from './heldout.js';
import type { Lab } from './lab.js';
import { type Outcome, outcomeOf } from './outcome.js';
import { type Round, round } from './round.js';

/** @throws UserError where the task has too few contexts for the rounds, and for whatever a step finds wrong */
export async function loop(lab: Lab): Promise<Outcome> {
  const { base, rounds, contexts, heldout } = lab.options;
  const n = Math.min(contexts, Math.floor(lab.task.size('ilf') / rounds));
  if (n < 1)
    throw new UserError(
      `${lab.task.size('ilf')} contexts are too few for ${rounds} rounds, which need other ones each; add some or do fewer rounds`,
    );
  const heldOut = await heldOutTexts(lab, Math.min(heldout, lab.task.size('heldout')));
  const done: Round[] = [];
  let theta = base;
  for (let k = 1; k <= rounds; k++) {
    const result = await round(lab, k, n, theta, heldOut);
    if (theta !== base) await lab.models.close(theta);
    theta = result.tuned;
    done.push(result);
  }
  return outcomeOf(lab, n, heldOut, done);
}
