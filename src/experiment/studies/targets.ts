import { priorPolicy } from '../../pipeline/policy.js';
import { type Arm, tunedArms } from '../arms.js';
import { measureModel } from '../measure-model.js';
import type { Study } from '../study.js';
import { folderOf, type Recipe, tuned } from '../tuned.js';
import type { Value } from '../value.js';

/** What each model is tuned on. */
const recipes = (n: number): [Arm, Recipe][] => [
  [tunedArms.ilf, { targets: 'ilf', n }],
  [tunedArms.randomPicks, { targets: 'ilf', n, picks: 'random' }],
  [tunedArms.longestPicks, { targets: 'ilf', n, picks: 'longest' }],
  [tunedArms.posterior, { targets: 'posterior', n }],
  [tunedArms.noFeedback, { targets: 'no-feedback', n }],
  [tunedArms.shuffledFeedback, { targets: 'shuffled-feedback', n }],
  [tunedArms.feedbackRefinement, { targets: 'feedback-refinement', n }],
  [tunedArms.initial, { targets: 'initial', n }],
  [tunedArms.gold, { targets: 'gold', n }],
  [tunedArms.twoEpochs, { targets: 'ilf', n, epochs: 2 }],
  [tunedArms.fourEpochs, { targets: 'ilf', n, epochs: 4 }],
];

export const targetsStudy: Study = {
  name: 'targets',
  about: 'what π_θ is finetuned on: picks, baselines, controls, and the weighted posterior',
  valuesIn: async (study) => {
    const values: Value[] = await measureModel(
      study,
      tunedArms.base,
      'arms/base',
      priorPolicy(study.run.options),
    );
    for (const [arm, recipe] of recipes(study.scale.usual)) {
      const model = await tuned(study, recipe);
      values.push(...(await measureModel(study, arm, folderOf(recipe), model)));
    }
    return values;
  },
};
