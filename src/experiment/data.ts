/** The contexts to learn from, and all that is written about them, made once for all arms of a seed. */

import { contextsStep, feedbackStep, generateStep, rankStep, refineStep } from '../ilf/steps.js';
import { priorPolicy } from '../pipeline/policy.js';
import type { Lab } from '../pipeline/run-context.js';
import type { Data } from './study-context.js';

/** The tables' folder in the run. */
export const DATA = 'data';
export const dataTable = (table: string) => `${DATA}/${table}`;

export async function openData(lab: Lab, n: number): Promise<Data> {
  const contexts = await contextsStep(lab, DATA, 'ilf', 0, n);
  const initial = await generateStep(lab, DATA, 'initial', priorPolicy(lab.options), contexts);
  const feedback = await feedbackStep(lab, DATA, contexts, initial);
  const refine = (told: 'own' | 'none' | 'other') => refineStep(lab, DATA, contexts, initial, feedback, told);
  const refinements = await refine('own');
  const scores = await rankStep(lab, DATA, contexts, initial, feedback, refinements);
  const noFeedback = await refine('none');
  const shuffledFeedback = await refine('other');
  return { contexts, initial, feedback, refinements, noFeedback, shuffledFeedback, scores };
}
