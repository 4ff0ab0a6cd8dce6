/**
 * What the Bayesian view of a seed is computed from: texts of π_0 on some held-out contexts, what InstructRM and the reward model say
 * of them, and what makes InstructRM's score a probability. I is the event that a text incorporates the feedback on x0.
 */

import { type Calibration, calibrate, fitCalibration } from '../bayes/index.js';
import { nameOf } from '../ilf/generate.js';
import { heldOutTable } from '../ilf/heldout.js';
import type { TextModel } from '../ilf/model.js';
import { priorPolicy } from '../ilf/policy.js';
import { contextsStep, feedbackStep, generateStep, rankStep, refineStep, scoresStep } from '../ilf/steps.js';
import { type BestOfNRow, byContext, type ScoreRow, type TextRow } from '../ilf/tables.js';
import { scoreTexts } from '../ilf/texts.js';
import { summaryPrompt } from '../tasks/prompts.js';
import type { Context } from '../tasks/task.js';
import type { World } from './world.js';

/** Contexts that the likelihood is calibrated on: nothing is trained or measured on them. */
const CALIBRATED = 300_000;

/**
 * Platt scaling of InstructRM's score to the annotator's answer whether a refinement does what the feedback asks for, on
 * refinements of contexts of their own.
 */
export async function calibration(world: World): Promise<Calibration> {
  const { lab, scale } = world;
  const folder = 'calibration';
  const contexts = await contextsStep(lab, folder, 'ilf', CALIBRATED, scale.calibration);
  const initial = await generateStep(lab, folder, 'initial', priorPolicy(lab.options), contexts);
  const feedback = await feedbackStep(lab, folder, contexts, initial);
  const texts = await refineStep(lab, folder, contexts, initial, feedback);
  const scores = await rankStep(lab, folder, contexts, initial, feedback, texts);
  const [groups, ranked] = [byContext(texts), byContext(scores)];
  const said = contexts.flatMap((context, i) => {
    const { text, points } = feedback[i]!;
    const annotation = { text, points: JSON.parse(points) as unknown };
    return groups.get(context.id)!.map((row, j) => ({
      score: ranked.get(context.id)![j]!.mean,
      label: lab.task.follows!(context, annotation, row.text),
    }));
  });
  return fitCalibration(
    said.map(({ score }) => score),
    said.map(({ label }) => label),
  );
}

/** Texts of one context with all that the targets need, [text] each, in nats. */
export interface JudgedTexts {
  context: Context;
  texts: string[];
  /** log P(I=1 | x, c), calibrated. */
  logLikelihood: number[];
  /** r(x). */
  reward: number[];
  logPrior: number[];
  /** log-probability under the model that they are from. */
  logModel: number[];
}

/** The first `n` texts of the first `scale.posterior` held-out contexts of a folder's scored texts. */
export async function judgedTexts(
  world: World,
  folder: string,
  scored: readonly BestOfNRow[],
  n: number,
  platt: Calibration,
): Promise<JudgedTexts[]> {
  const { scale, heldOut } = world;
  const rows = byContext(scored);
  const contexts = heldOut.contexts.slice(0, scale.posterior);
  const chosen = contexts.flatMap(({ id }) => rows.get(id)!.slice(0, n));
  const judged = byContext(await judgeStep(world, folder, contexts, chosen));
  return contexts.map((context) => {
    const of: BestOfNRow[] = rows.get(context.id)!.slice(0, n);
    return {
      context,
      texts: of.map(({ text }) => text),
      logLikelihood: judged.get(context.id)!.map(({ mean }) => Math.log(calibrate(platt, mean))),
      reward: of.map(({ reward }) => reward),
      logPrior: of.map(({ logprob_base }) => logprob_base),
      logModel: of.map(({ logprob_model }) => logprob_model),
    };
  });
}

/** InstructRM's scores of texts, given the held-out contexts' initial outputs and feedback. */
function judgeStep(
  { lab, heldOut }: World,
  folder: string,
  contexts: readonly Context[],
  texts: readonly TextRow[],
): Promise<ScoreRow[]> {
  const { initial, feedback } = heldOut;
  const tables = [...['contexts', 'initial', 'feedback'].map(heldOutTable), `${folder}/best-of-n`];
  const name = `${folder}/judged-${contexts.length}x${texts.length / contexts.length}`;
  return scoresStep(lab, name, 'instruct-rm', tables, contexts, initial, feedback, texts);
}

/** log π_θ of judged texts, [context][text]. */
export async function logPolicy(theta: TextModel, judged: readonly JudgedTexts[]): Promise<number[][]> {
  const pairs = judged.flatMap(({ context, texts }) =>
    texts.map((text) => ({ prompt: summaryPrompt(context.text), text, name: nameOf(context) })),
  );
  const names = pairs.map(({ name }) => name);
  const logs = await scoreTexts(theta, pairs, names, () => {});
  let next = 0;
  return judged.map(({ texts }) => texts.map(() => logs[next++]!));
}
