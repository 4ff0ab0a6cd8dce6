/** The contexts to learn from, and all that is written about them, made once for all arms of a seed. */
import { contextsStep } from '../ilf/contexts.js';
import { feedbackStep } from '../ilf/feedback.js';
import { generateStep } from '../ilf/generate.js';
import { rankStep } from '../ilf/rank.js';
import { type FeedbackCondition, refineStep } from '../ilf/refine.js';
import { priorPolicy } from '../pipeline/policy.js';
import type { RunContext } from '../pipeline/run-context.js';
import type { Data } from './study-context.js';

/** The tables' folder in the run. */
export const DATA = 'data';
export const dataTable = (table: string) => `${DATA}/${table}`;

export async function openData(run: RunContext, n: number): Promise<Data> {
  const contexts = await contextsStep(run, DATA, 'ilf', 0, n);
  const initial = await generateStep(run, DATA, 'initial', priorPolicy(run.options), contexts);
  const feedback = await feedbackStep(run, DATA, contexts, initial);
  const refine = (condition: FeedbackCondition) =>
    refineStep(run, DATA, contexts, initial, feedback, condition);
  const refinements = await refine('own');
  const scores = await rankStep(run, DATA, { contexts, initial, feedback, texts: refinements });
  const noFeedback = await refine('none');
  const shuffledFeedback = await refine('other');
  return { contexts, initial, feedback, refinements, noFeedback, shuffledFeedback, scores };
}
