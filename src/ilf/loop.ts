/** The whole run: rounds one after another, each from the weights of the last, and the report of them. */
import { heldOutTexts } from './heldout.js';
import type { Lab } from './lab.js';
import { contextsPerRound } from './options.js';
import { type Outcome, outcomeOf } from './outcome.js';
import { type Round, round } from './round.js';

export async function loop(lab: Lab): Promise<Outcome> {
  const { task, options } = lab;
  const n = contextsPerRound(task, options);
  const heldOut = await heldOutTexts(lab, Math.min(options.heldout, task.size('heldout')));
  const done: Round[] = [];
  let theta = options.base;
  for (let k = 1; k <= options.rounds; k++) {
    const result = await round(lab, k, n, theta, heldOut);
    if (theta !== options.base) await lab.models.close(theta);
    theta = result.tuned;
    done.push(result);
  }
  return outcomeOf(lab, n, heldOut, done);
}
