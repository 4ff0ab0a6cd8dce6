import { rlArm } from '../arms.js';
import { measureModel } from '../measure-model.js';
import { reinforced, rlFolder } from '../reinforced.js';
import type { Study } from '../study.js';
import { type Value, valuesAt } from '../value.js';

export const rlStudy: Study = {
  name: 'rl',
  about: 'RL with a KL penalty (RLOO) on the reward model, by β',
  valuesIn: async (study) => {
    const values: Value[] = [];
    for (const beta of study.scale.betas) {
      const { tuned, log } = await reinforced(study, beta);
      const arm = rlArm(beta);
      values.push(...(await measureModel(study, arm, rlFolder(beta), { dir: tuned, writes: 'output' })));
      // The training's course: a step is a context to the tables, so that seeds are averaged at the same step.
      for (const { step, reward, kl } of log)
        values.push(
          ...valuesAt(
            arm,
            String(step),
            { trainingReward: reward, trainingKl: kl, trainingObjective: reward / beta - kl },
            'course',
          ),
        );
    }
    return values;
  },
};
