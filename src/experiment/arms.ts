/** Models tuned on the experiment's data: the arms of several studies. The same arm is trained once. */
import { finetuneStep } from '../ilf/finetune.js';
import { scoresStep } from '../ilf/rank.js';
import { targetKind } from '../ilf/target-kinds.js';
import { type TargetSet, targetsStep } from '../ilf/targets.js';
import { tuningOf } from '../pipeline/options.js';
import type { Policy } from '../pipeline/policy.js';
import { DATA, dataTable } from './data.js';
import type { StudyContext } from './study-context.js';

export interface Arm {
  targets: string;
  /** Contexts: the first n of the data. */
  n: number;
  epochs?: number;
  /** Who picks, where it is not InstructRM. */
  picks?: 'random' | 'longest';
}

/** "arms/ilf-300", where the arm's tables are and its model is `finetuned`. */
export const folderOf = (arm: Arm) => `arms/${armName(arm)}`;
const armName = ({ targets, n, epochs = 1, picks }: Arm) =>
  [targets, ...(picks ? [picks] : []), n, ...(epochs > 1 ? [`${epochs}-epochs`] : [])].join('-');

/** The first n contexts' targets. */
export async function armTargets(study: StudyContext, arm: Arm): Promise<TargetSet> {
  const { run, data } = study;
  const { targets: kind, n, picks } = arm;
  const { initial, feedback } = data;
  const refinements = {
    own: data.refinements,
    none: data.noFeedback,
    other: data.shuffledFeedback,
  }[targetKind(kind).condition];
  const tables = ['contexts', 'initial', 'feedback', 'refinements'].map(dataTable);
  const judged = { contexts: data.contexts, initial, feedback, texts: refinements };
  const scores = picks
    ? await scoresStep(run, dataTable(`scores-${picks}`), picks, judged, tables)
    : data.scores;
  const contexts = data.contexts.slice(0, n);
  // A step's table is named after what it is made from; other picks are other scores.
  const also = picks ? [dataTable(`scores-${picks}`)] : [];
  const of = { contexts, initial, feedback, refinements, scores };
  return targetsStep(run, { name: `${folderOf(arm)}/targets`, kind, from: DATA, data: of, also });
}

/** The tuned model. */
export async function tuned(study: StudyContext, arm: Arm): Promise<Policy> {
  const { run } = study;
  const tuning = { ...tuningOf(run.options), epochs: arm.epochs ?? 1 };
  const set = await armTargets(study, arm);
  const dir = await finetuneStep(run, folderOf(arm), run.options.base, [set], tuning);
  return { dir, writes: targetKind(arm.targets).writes };
}
