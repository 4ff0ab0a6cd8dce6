import { sizedArm, tunedArms } from '../arms.js';
import { measureModel } from '../measure-model.js';
import type { Study } from '../study.js';
import { folderOf, tuned } from '../tuned.js';
import type { Value } from '../value.js';

const compared = [
  [tunedArms.ilf, 'ilf'],
  [tunedArms.initial, 'initial'],
  [tunedArms.gold, 'gold'],
] as const;

export const sizesStudy: Study = {
  name: 'sizes',
  about: 'sample efficiency: the same by the number of contexts with feedback',
  valuesIn: async (study) => {
    const values: Value[] = [];
    for (const [arm, targets] of compared)
      for (const n of study.scale.sizes) {
        const recipe = { targets, n };
        const model = await tuned(study, recipe);
        values.push(...(await measureModel(study, sizedArm(arm, n), folderOf(recipe), model)));
      }
    return values;
  },
};
