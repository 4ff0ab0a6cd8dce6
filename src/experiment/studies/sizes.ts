import { folderOf, tuned } from '../arms.js';
import { measureModel } from '../measure-model.js';
import type { Study } from '../study.js';
import type { Value } from '../values.js';

const sizeArms = [
  ['ILF', 'ilf'],
  ['initial outputs', 'initial'],
  ['gold summaries', 'gold'],
] as const;

export const sizes: Study = {
  name: 'sizes',
  about: 'sample efficiency: the same by the number of contexts with feedback',
  run: async (world) => {
    const values: Value[] = [];
    for (const [name, targets] of sizeArms)
      for (const n of world.scale.sizes) {
        const arm = { targets, n };
        const model = await tuned(world, arm);
        values.push(...(await measureModel(world, `${name}, ${n}`, folderOf(arm), model)));
      }
    return values;
  },
};
