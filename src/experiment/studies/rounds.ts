import { learn } from '../../ilf/round.js';
import type { TargetSet } from '../../ilf/targets.js';
import { priorPolicy } from '../../pipeline/policy.js';
import { roundArm } from '../arms.js';
import { measureModel } from '../measure-model.js';
import type { Study } from '../study.js';
import type { StudyContext } from '../study-context.js';
import type { Value } from '../value.js';

export const roundsStudy: Study = {
  name: 'rounds',
  about: 'several rounds, each from the last weights or from π_0 on all targets',
  valuesIn: async (study) => [...(await roundsBy(study, 'continue')), ...(await roundsBy(study, 'retrain'))],
};

/** Rounds of as many contexts as make `usual` in all. */
async function roundsBy(study: StudyContext, how: 'continue' | 'retrain'): Promise<Value[]> {
  const { run, scale } = study;
  const n = Math.floor(scale.usual / scale.rounds);
  const values: Value[] = [];
  const learned: TargetSet[] = [];
  let theta = priorPolicy(study.run.options);
  for (let k = 1; k <= scale.rounds; k++) {
    const folder = `rounds/${how}-${k}`;
    const before = how === 'retrain' ? [...learned] : null;
    const { tuned, targets } = await learn(run, { folder, from: (k - 1) * n, n, theta, before });
    // Measuring closes the model that it measures; the next round opened it again.
    if (theta.dir !== run.options.base) await run.models.close(theta.dir);
    theta = tuned;
    learned.push(targets);
    values.push(...(await measureModel(study, roundArm(how, k), folder, theta)));
  }
  return values;
}
