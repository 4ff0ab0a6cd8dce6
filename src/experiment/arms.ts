/** Models tuned on the experiment's data: the arms of several studies. The same arm is trained once. */

import { scoresStep, type TargetSet, targetsStep, tuneStep } from '../ilf/steps.js';
import { conditionFor, formatOf } from '../ilf/targets.js';
import { tuningOf } from '../pipeline/options.js';
import type { Policy } from '../pipeline/policy.js';
import type { TargetsName } from '../pipeline/targets-names.js';
import { DATA, dataTable } from './data.js';
import type { StudyContext } from './study-context.js';

export interface Arm {
  targets: TargetsName;
  /** Contexts: the first n of the data. */
  n: number;
  epochs?: number;
  /** Who picks, where it is not InstructRM. */
  picks?: 'random' | 'longest';
}

/** "arms/ilf-300", where the arm's tables are and its model is `finetuned`. */
export const folderOf = ({ targets, n, epochs = 1, picks }: Arm) =>
  `arms/${[targets, ...(picks ? [picks] : []), n, ...(epochs > 1 ? [`${epochs}-epochs`] : [])].join('-')}`;

/** The first n contexts' targets. */
export async function armTargets(study: StudyContext, arm: Arm): Promise<TargetSet> {
  const { run, data } = study;
  const { targets, n, picks } = arm;
  const { initial, feedback } = data;
  const told = conditionFor(targets);
  const refinements =
    told === 'none' ? data.noFeedback : told === 'other' ? data.shuffledFeedback : data.refinements;
  const tables = ['contexts', 'initial', 'feedback', 'refinements'].map(dataTable);
  const scores = picks
    ? await scoresStep(
        run,
        dataTable(`scores-${picks}`),
        picks,
        tables,
        data.contexts,
        initial,
        feedback,
        refinements,
      )
    : data.scores;
  const contexts = data.contexts.slice(0, n);
  // A step's table is named after what it is made from; other picks are other scores.
  const also = picks ? [dataTable(`scores-${picks}`)] : [];
  const of = { contexts, initial, feedback, refinements, scores };
  return targetsStep(run, `${folderOf(arm)}/targets`, targets, DATA, of, also);
}

/** The tuned model. */
export async function tuned(study: StudyContext, arm: Arm): Promise<Policy> {
  const { run } = study;
  const tuning = { ...tuningOf(run.options), epochs: arm.epochs ?? 1 };
  const set = await armTargets(study, arm);
  const dir = await tuneStep(run, folderOf(arm), run.options.base, [set], tuning);
  return { dir, writes: formatOf(arm.targets) };
}
