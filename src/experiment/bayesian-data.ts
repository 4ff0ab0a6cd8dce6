/**
 * What the Bayesian view of a seed is computed from: texts of some held-out contexts, and what InstructRM and the reward model say of
 * them. I is the event that a text incorporates the feedback on x0; what InstructRM says of it becomes a probability here.
 */

import { type Calibration, calibrate, fitCalibration } from '../bayes/index.js';
import { contextsStep } from '../ilf/contexts.js';
import { feedbackStep } from '../ilf/feedback.js';
import { generateStep } from '../ilf/generate.js';
import { heldOutTable } from '../ilf/heldout.js';
import { rankStep, scoresStep } from '../ilf/rank.js';
import { refineStep } from '../ilf/refine.js';
import { annotationOf } from '../pipeline/held-out.js';
import { untruncated } from '../pipeline/options.js';
import { priorPolicy } from '../pipeline/policy.js';
import { texts as inTexts, type Progress } from '../pipeline/progress.js';
import { tableStep } from '../pipeline/run-context.js';
import { stepSeed } from '../pipeline/seeds.js';
import { byContext, rowOf, type ScoreRow, type TextRow, textsTable, toTextRows } from '../pipeline/tables.js';
import { type Context, outputPrompt, type Task } from '../tasks/task.js';
import { localWriter } from '../writers/local.js';
import type { TextModel } from '../writers/text-model.js';
import type { Written } from '../writers/writer.js';
import { logMixture, PROPOSALS, proposalsStep } from './proposals.js';
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
export async function plattScaling(study: StudyContext): Promise<Calibration> {
  const { run, scale } = study;
  const { follows } = run.task;
  if (!follows || !scale.places.calibrated) return UNCALIBRATED;
  const folder = 'calibration';
  const contexts = await contextsStep(run, folder, ...scale.places.calibrated, scale.calibration);
  const initial = await generateStep(run, folder, 'initial', priorPolicy(run.options), contexts);
  const feedback = await feedbackStep(run, folder, contexts, initial);
  const refined = await refineStep(run, folder, contexts, initial, feedback);
  const judged = { contexts, initial, feedback };
  const refinedScores = await rankStep(run, folder, { ...judged, texts: refined });
  const outputs = await priorOutputsStep(study, folder, contexts);
  const tables = ['contexts', 'initial', 'feedback', 'outputs'].map((table) => `${folder}/${table}`);
  const outputScores = await scoresStep(
    run,
    `${folder}/scores-outputs`,
    'instruct-rm',
    { ...judged, texts: outputs },
    tables,
  );
  const says = rowOf(feedback, 'the table of feedback');
  const annotations = new Map(
    contexts.map((context) => [context.id, { context, annotation: annotationOf(says(context)) }]),
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
function priorOutputsStep(
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
    values: { ...sampling, samples, seed, format: run.task.format.output.name },
  };
  return tableStep(run, `${folder}/outputs`, textsTable, inputs, async (progress) => {
    const prior = localWriter(await run.models.get(base));
    const { prompts, format } = run.task;
    const drawn = await prior.write(
      contexts.map((context) => outputPrompt(prompts, context)),
      samples,
      { ...sampling, format: format.output, seed },
      inTexts(progress, 'sampling outputs'),
    );
    return toTextRows(contexts, drawn);
  });
}

/** Texts of one context with what the targets need, [text] each, in nats. */
export interface JudgedTexts {
  context: Context;
  texts: string[];
  written: Written[];
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
  const groups = byContext(await proposalsStep(study));
  const judged = await judgeTexts(study, 'posterior/judged-proposals', PROPOSALS, groups, platt);
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
  const judged = await judgeTexts(study, `${folder}/judged`, `${folder}/best-of-n`, groups, platt);
  return judged.map((of) => ({
    ...of,
    logModel: groups.get(of.context.id)!.map((row) => row.logprob_model),
  }));
}

/** The texts of the table `from`, by context, with InstructRM's scores, given the held-out contexts' initial outputs and feedback. */
async function judgeTexts(
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
    await scoresStep(run, name, 'instruct-rm', { contexts, initial, feedback, texts }, tables),
  );
  return contexts.map((context) => {
    const rows = groups.get(context.id)!;
    const score = scores.get(context.id)!.map(({ mean }) => mean);
    return {
      context,
      texts: rows.map(({ text }) => text),
      written: rows.map(({ text, ids, tokenizer }) => ({ text, ids, tokenizer })),
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
  { prompts }: Task,
  judged: readonly JudgedTexts[],
  progress: Progress,
): Promise<number[][]> {
  const pairs = judged.flatMap(({ context, written }) =>
    written.map((of) => ({ prompt: outputPrompt(prompts, context), of })),
  );
  const logs = await localWriter(theta).score(
    pairs.map(({ prompt }) => prompt),
    pairs.map(({ of }) => of),
    inTexts(progress, 'scoring under the model'),
  );
  let next = 0;
  return judged.map(({ texts }) => texts.map(() => logs[next++]!));
}
