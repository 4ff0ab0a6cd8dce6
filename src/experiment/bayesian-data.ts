/**
 * What the Bayesian view of a seed is computed from: texts of some held-out contexts, and what InstructRM and the reward model say of
 * them. I is the event that a text incorporates the feedback on x0; what InstructRM says of it becomes a probability here.
 */

import { type Calibration, calibrate, fitCalibration } from '../bayes/index.js';
import { heldOutTable } from '../ilf/heldout.js';
import { contextsStep, feedbackStep, generateStep, rankStep, refineStep, scoresStep } from '../ilf/steps.js';
import { untruncated } from '../pipeline/options.js';
import { priorPolicy } from '../pipeline/policy.js';
import { texts as inTexts, type Progress } from '../pipeline/progress.js';
import { tableStep } from '../pipeline/run-context.js';
import { stepSeed } from '../pipeline/seeds.js';
import { byContext, type ScoreRow, type TextRow, textsTable, toTextRows } from '../pipeline/tables.js';
import { summaryPrompt } from '../tasks/prompts.js';
import { type Context, contextName } from '../tasks/task.js';
import type { TextModel } from '../writers/text-model.js';
import { sampleTexts, scoreTexts } from '../writers/texts.js';
import { logMixture, PROPOSALS, proposals } from './proposals.js';
import { scoredTexts } from './scored-texts.js';
import type { StudyContext } from './study-context.js';

const UNCALIBRATED: Calibration = { slope: 1, intercept: 0 };
/** Texts of each context from a model. */
const OF_MODEL = 16;

/**
 * Platt scaling of InstructRM's score to the annotator's answer whether a text does what the feedback asks for, on contexts of
 * their own. The texts are of both kinds that the likelihood is used for, as many of each: refinements, and π_0's outputs. Where
 * the task has no annotator, the score is taken for the probability.
 */
export async function calibration(study: StudyContext): Promise<Calibration> {
  const { run, scale } = study;
  const { follows } = run.task;
  if (!follows || !scale.places.calibrated) return UNCALIBRATED;
  const folder = 'calibration';
  const contexts = await contextsStep(run, folder, ...scale.places.calibrated, scale.calibration);
  const initial = await generateStep(run, folder, 'initial', priorPolicy(run.options), contexts);
  const feedback = await feedbackStep(run, folder, contexts, initial);
  const refined = await refineStep(run, folder, contexts, initial, feedback);
  const refinedScores = await rankStep(run, folder, contexts, initial, feedback, refined);
  const outputs = await outputsStep(study, folder, contexts);
  const tables = ['contexts', 'initial', 'feedback', 'outputs'].map((table) => `${folder}/${table}`);
  const outputScores = await scoresStep(
    run,
    `${folder}/scores-outputs`,
    'instruct-rm',
    tables,
    contexts,
    initial,
    feedback,
    outputs,
  );
  const annotations = new Map(
    contexts.map((context, i) => {
      const { text, points } = feedback[i]!;
      return [context.id, { context, annotation: { text, points: JSON.parse(points) as unknown } }];
    }),
  );
  return fitCalibration(
    [...refinedScores, ...outputScores].map(({ mean }) => mean),
    [...refined, ...outputs].map(({ context: id, text }) => {
      const { context, annotation } = annotations.get(id)!;
      return follows(context, annotation, text);
    }),
  );
}

/** As many outputs of π_0 as there are refinements. */
function outputsStep(
  { run }: StudyContext,
  folder: string,
  contexts: readonly Context[],
): Promise<TextRow[]> {
  const { base, samples, seed: runSeed } = run.options;
  const sampling = untruncated(run.options);
  const seed = stepSeed(runSeed, folder, 'outputs');
  const inputs = {
    tables: [`${folder}/contexts`],
    models: [base],
    values: { ...sampling, samples, seed },
  };
  return tableStep(run, `${folder}/outputs`, textsTable, inputs, async (progress) => {
    const prompts = contexts.map(({ text }) => summaryPrompt(text));
    const names = contexts.map(contextName);
    const sampled = inTexts(progress, 'sampling outputs');
    const prior = await run.models.get(base);
    const drawn = await sampleTexts(prior, prompts, names, samples, sampling, seed, sampled);
    return toTextRows(contexts, drawn);
  });
}

/** Texts of one context with what the targets need, [text] each, in nats. */
export interface JudgedTexts {
  context: Context;
  texts: string[];
  /** R(x), InstructRM's score. */
  score: number[];
  /** log P(I=1 | x, c), calibrated. */
  logLikelihood: number[];
  /** r(x), the reward model's. */
  reward: number[];
  logPrior: number[];
}

/** The texts that targets are estimated from. */
export interface Proposals extends JudgedTexts {
  /** log q. */
  logProposal: number[];
  /** log-probability under the refiner given (c, x0, f). */
  logRefiner: number[];
  /** Whether the refiner wrote it. */
  refined: boolean[];
}

export interface OwnTexts extends JudgedTexts {
  /** log-probability under the model that they are from. */
  logModel: number[];
}

export async function judgedProposals(study: StudyContext, platt: Calibration): Promise<Proposals[]> {
  const groups = byContext(await proposals(study));
  const judged = await judge(study, 'posterior/judged-proposals', PROPOSALS, groups, platt);
  return judged.map((of) => {
    const rows = groups.get(of.context.id)!;
    return {
      ...of,
      logProposal: rows.map(logMixture),
      logRefiner: rows.map((row) => row.logprob_refiner),
      refined: rows.map((row) => row.refined),
    };
  });
}

/** Texts of a model itself; the tables' folder in the run is `folder`. */
export async function ownTexts(
  study: StudyContext,
  folder: string,
  model: string,
  platt: Calibration,
): Promise<OwnTexts[]> {
  const groups = byContext(await scoredTexts(study, folder, model, study.scale.posterior, OF_MODEL));
  const judged = await judge(study, `${folder}/judged`, `${folder}/best-of-n`, groups, platt);
  return judged.map((of) => ({
    ...of,
    logModel: groups.get(of.context.id)!.map((row) => row.logprob_model),
  }));
}

/** The texts of the table `from`, by context, with InstructRM's scores, given the held-out contexts' initial outputs and feedback. */
async function judge(
  { run, heldOut, scale }: StudyContext,
  name: string,
  from: string,
  groups: Map<string, (TextRow & { reward: number; logprob_base: number })[]>,
  platt: Calibration,
): Promise<JudgedTexts[]> {
  const { initial, feedback } = heldOut;
  const contexts = heldOut.contexts.slice(0, scale.posterior);
  const tables = [...['contexts', 'initial', 'feedback'].map(heldOutTable), from];
  const texts = contexts.flatMap(({ id }) => groups.get(id)!);
  const scores: Map<string, ScoreRow[]> = byContext(
    await scoresStep(run, name, 'instruct-rm', tables, contexts, initial, feedback, texts),
  );
  return contexts.map((context) => {
    const rows = groups.get(context.id)!;
    const score = scores.get(context.id)!.map(({ mean }) => mean);
    return {
      context,
      texts: rows.map(({ text }) => text),
      score,
      logLikelihood: score.map((of) => Math.log(calibrate(platt, of))),
      reward: rows.map(({ reward }) => reward),
      logPrior: rows.map(({ logprob_base }) => logprob_base),
    };
  });
}

/** log π_θ of judged texts, [context][text]. */
export async function logPolicy(
  theta: TextModel,
  judged: readonly JudgedTexts[],
  onProgress: Progress,
): Promise<number[][]> {
  const pairs = judged.flatMap(({ context, texts }) =>
    texts.map((text) => ({ prompt: summaryPrompt(context.text), text, name: contextName(context) })),
  );
  const names = pairs.map(({ name }) => name);
  const logs = await scoreTexts(theta, pairs, names, inTexts(onProgress, 'scoring under the model'));
  let next = 0;
  return judged.map(({ texts }) => texts.map(() => logs[next++]!));
}
