// node --import this: `train.js pretrain` with a recipe that takes seconds. What it trains is good at nothing.
import { recipe } from '../../dist/src/pretrain/recipe.js';

const small = { steps: 6, sequences: 2 };
Object.assign(recipe, {
  vocabularyTexts: 40,
  checkpointEvery: 2,
  logEvery: 1,
  sampledInitials: 6,
  sampledRefinements: 4,
  samplesPerCase: 2,
});
Object.assign(recipe.base, small, { sizes: { n_layer: 1, n_head: 2, n_embd: 16, n_positions: 512 } });
for (const phase of ['lessons', 'instruct', 'tuned']) Object.assign(recipe[phase], small);
