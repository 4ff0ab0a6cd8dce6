import type { Mutant } from '../mutant.js';
import { ofBayes } from './bayes.js';
import { ofLm } from './lm.js';
import { ofStore } from './store.js';

export const mutants: readonly Mutant[] = [...ofBayes, ...ofLm, ...ofStore];
