import { priorPolicy } from '../../pipeline/policy.js';
import { measureModel } from '../measure-model.js';
import type { Study } from '../study.js';
import { folderOf, type Recipe, tuned } from '../tuned.js';
import type { Value } from '../values.js';

/** What finetuning is on, by the names that the page has for them. */
const arms = (n: number): [name: string, arm: Recipe][] => [
  ['ILF', { targets: 'ilf', n }],
  ['ILF, random picks', { targets: 'ilf', n, picks: 'random' }],
  ['ILF, longest picks', { targets: 'ilf', n, picks: 'longest' }],
  ['posterior-weighted refinements', { targets: 'posterior', n }],
  ['refinements without feedback', { targets: 'no-feedback', n }],
  ['refinements with shuffled feedback', { targets: 'shuffled-feedback', n }],
  ['feedback, then refinement', { targets: 'feedback-refinement', n }],
  ['initial outputs', { targets: 'initial', n }],
  ['gold summaries', { targets: 'gold', n }],
  ['ILF, 2 epochs', { targets: 'ilf', n, epochs: 2 }],
  ['ILF, 4 epochs', { targets: 'ilf', n, epochs: 4 }],
];

export const targetsStudy: Study = {
  name: 'targets',
  about: 'what π_θ is finetuned on: picks, baselines, controls, and the weighted posterior',
  valuesIn: async (study) => {
    const values: Value[] = await measureModel(
      study,
      'base model',
      'arms/base',
      priorPolicy(study.run.options),
    );
    for (const [name, arm] of arms(study.scale.usual)) {
      const model = await tuned(study, arm);
      values.push(...(await measureModel(study, name, folderOf(arm), model)));
    }
    return values;
  },
};
