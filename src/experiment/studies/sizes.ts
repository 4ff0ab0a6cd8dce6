import { measureModel } from '../measure-model.js';
import type { Study } from '../study.js';
import { folderOf, tuned } from '../tuned.js';
import type { Value } from '../values.js';

const sizeArms = [
  ['ILF', 'ilf'],
  ['initial outputs', 'initial'],
  ['gold summaries', 'gold'],
] as const;

export const sizesStudy: Study = {
  name: 'sizes',
  about: 'sample efficiency: the same by the number of contexts with feedback',
  valuesIn: async (study) => {
    const values: Value[] = [];
    for (const [name, targets] of sizeArms)
      for (const n of study.scale.sizes) {
        const arm = { targets, n };
        const model = await tuned(study, arm);
        values.push(...(await measureModel(study, `${name}, ${n}`, folderOf(arm), model)));
      }
    return values;
  },
};
