/**
 * The Bayesian view: how good a probability the ranker's score is, what the posterior over refinements weighs, how likely "good" is
 * at all, and how far each model is from both targets, along and after training.
 */
import { calibrate, klFromTarget, klToTarget, logEvidence, posteriorWeights } from '../../bayes/index.js';
import { disposeAdamState } from '../../engine/fused.js';
import { tune } from '../../ilf/finetune.js';
import { tableStep } from '../../ilf/lab.js';
import { openModel } from '../../ilf/model.js';
import { tuningOf } from '../../ilf/options.js';
import { stepSeed } from '../../ilf/seeds.js';
import { byContext } from '../../ilf/tables.js';
import { type Arm, armTargets, folderOf, tuned } from '../arms.js';
import { calibration, type JudgedTexts, judgedTexts, logPolicy } from '../bayesian-data.js';
import { reinforced, rlFolder } from '../rl.js';
import type { Study } from '../study.js';
import { type Value, valuesTable } from '../values.js';
import type { World } from '../world.js';
import { PRIOR_FOLDER, priorTexts, scoredTexts } from './best-of-n.js';

/** Texts of each context from π_0, that targets are estimated from, and from the other models. */
const OF_PRIOR = 32;
const OF_MODEL = 16;

export const posterior: Study = {
  name: 'posterior',
  about: 'calibration, posterior weights, evidence, and KL to and from both targets',
  run: async (world) => {
    const { lab, scale } = world;
    const platt = await calibration(world);
    // π_0 exp(r/β)/Z for the middle one of the β that RL is run with.
    const beta = scale.betas[Math.floor(scale.betas.length / 2)]!;
    const prior = await judgedTexts(world, PRIOR_FOLDER, await priorTexts(world), OF_PRIOR, platt);
    const values: Value[] = [
      ...reliabilityValues(world, (score) => score, 'InstructRM’s score'),
      ...reliabilityValues(world, (score) => calibrate(platt, score), 'calibrated'),
      ...weightValues(world),
      ...evidenceValues(prior),
    ];
    const n = scale.usual;
    const arms: [name: string, folder: string, model: string][] = [
      ['base model', 'base', lab.options.base],
      ...(await tunedArms(world, [
        ['ILF', { targets: 'ilf', n }],
        ['posterior-weighted refinements', { targets: 'posterior', n }],
        ['gold summaries', { targets: 'gold', n }],
      ])),
    ];
    for (const of of scale.betas)
      arms.push([`RL, β = ${of}`, rlFolder(of).replace('/', '-'), (await reinforced(world, of)).tuned]);
    for (const [name, folder, model] of arms) {
      values.push(...fromValues(name, prior, await logPolicy(await lab.models.get(model), prior), beta));
      const own = `posterior/${folder}`;
      const texts = await scoredTexts(world, own, model, scale.posterior, OF_MODEL);
      const judged = await judgedTexts(world, own, texts, OF_MODEL, platt);
      values.push(...toValues(name, judged, prior, beta));
      if (model !== lab.options.base) await lab.models.close(model);
    }
    return [...values, ...(await alongStep(world, prior, { targets: 'ilf', n }))];
  },
};

async function tunedArms(world: World, arms: [string, Arm][]): Promise<[string, string, string][]> {
  const out: [string, string, string][] = [];
  for (const [name, arm] of arms) out.push([name, folderOf(arm).slice(5), (await tuned(world, arm)).dir]);
  return out;
}

/** What was predicted of the held-out contexts' refinements, and what the oracle says. */
function reliabilityValues(
  { heldOut, oracle }: World,
  probability: (score: number) => number,
  arm: string,
): Value[] {
  const scores = byContext(heldOut.scores);
  return heldOut.refinements.flatMap(({ context: id, candidate, text }) => {
    const i = heldOut.contexts.findIndex((of) => of.id === id);
    const points = JSON.parse(heldOut.feedback[i]!.points) as unknown;
    const context = `${id}#${candidate}`;
    const settled = oracle.incorporated(heldOut.contexts[i]!, points, text) === 1;
    return [
      { arm, measure: 'predicted', context, value: probability(scores.get(id)![candidate]!.mean) },
      { arm, measure: 'happened', context, value: settled ? 1 : 0 },
    ];
  });
}

/** Effective sample sizes of the posterior weights over the data's refinements, by what goes into them. */
function weightValues({ data, lab, scale }: World): Value[] {
  const scored = byContext(data.scores);
  const groups = byContext(data.refinements);
  const { beta } = lab.options;
  const kinds = {
    'exp(βR), β = 1': { beta: 1 },
    [`exp(βR), β = ${beta}`]: { beta },
    [`exp(βR) π₀, β = ${beta}`]: { beta, prior: true },
    [`exp(βR) π₀/q, β = ${beta}`]: { beta, prior: true, proposal: true },
  } as Record<string, { beta: number; prior?: true; proposal?: true }>;
  return data.contexts.slice(0, scale.usual).flatMap(({ id }) => {
    const rows = groups.get(id)!;
    return Object.entries(kinds).map(([arm, { beta: of, prior, proposal }]) => ({
      arm,
      measure: 'ess',
      context: id,
      value: posteriorWeights({
        rewards: scored.get(id)!.map(({ mean }) => mean),
        beta: of,
        ...(prior && { logPrior: rows.map((row) => row.logprob_base) }),
        ...(proposal && { logProposal: rows.map((row) => row.logprob_refiner) }),
      }).ess,
    }));
  });
}

/** log p(I=1 | c) from samples of the prior. */
const evidenceValues = (prior: readonly JudgedTexts[]): Value[] =>
  prior.map(({ context, logLikelihood }) => ({
    arm: 'base model',
    measure: 'logEvidence',
    context: context.id,
    value: logEvidence({ logLikelihood }).logEvidence,
  }));

const rewardLikelihood = ({ reward }: JudgedTexts, beta: number) => reward.map((r) => r / beta);

/** KL(p* ‖ π_θ) of both targets, from samples of the prior. */
function fromValues(
  arm: string,
  prior: readonly JudgedTexts[],
  logPolicies: readonly number[][],
  beta: number,
): Value[] {
  return prior.flatMap((of, i) => {
    const { logLikelihood, logPrior } = of;
    const common = { logPrior, logProposal: logPrior, logPolicy: logPolicies[i]! };
    const posteriorOf = klFromTarget({ ...common, logLikelihood });
    const rewardTarget = klFromTarget({ ...common, logLikelihood: rewardLikelihood(of, beta) });
    return [
      { measure: 'klFromPosterior', value: posteriorOf.kl },
      { measure: 'klFromRewardTarget', value: rewardTarget.kl },
      { measure: 'essPosterior', value: posteriorOf.ess },
      { measure: 'essRewardTarget', value: rewardTarget.ess },
    ].map((value) => ({ arm, context: of.context.id, ...value }));
  });
}

/** KL(π_θ ‖ p*) of both targets, from samples of the model; log Z from those of the prior. */
function toValues(
  arm: string,
  own: readonly JudgedTexts[],
  prior: readonly JudgedTexts[],
  beta: number,
): Value[] {
  return own.flatMap((of, i) => {
    const { logPrior, logModel, logLikelihood } = of;
    const logZ = (likelihood: number[]) => logEvidence({ logLikelihood: likelihood }).logEvidence;
    const to = (likelihood: number[], z: number) =>
      klToTarget({ logLikelihood: likelihood, logPrior, logPolicy: logModel, logZ: z }).kl;
    return [
      { measure: 'klToPosterior', value: to(logLikelihood, logZ(prior[i]!.logLikelihood)) },
      {
        measure: 'klToRewardTarget',
        value: to(rewardLikelihood(of, beta), logZ(rewardLikelihood(prior[i]!, beta))),
      },
    ].map((value) => ({ arm, context: of.context.id, ...value }));
  });
}

/** KL(p(x | c, I=1) ‖ π_θ) before, four times during, and after a training of ILF: what it minimises. */
async function alongStep(world: World, prior: readonly JudgedTexts[], arm: Arm): Promise<Value[]> {
  const { lab } = world;
  const folder = folderOf(arm);
  const tuning = tuningOf(lab.options);
  // The very training that made the arm's model.
  const seed = stepSeed(lab.options.seed, folder, 'finetune');
  const { targets } = await armTargets(world, arm);
  const inputs = {
    tables: [`${folder}/targets`, `${PRIOR_FOLDER}/best-of-n`],
    models: [lab.options.base],
    values: { ...tuning, seed },
  };
  const rows = await tableStep(lab, 'posterior/along', valuesTable, inputs, async (progress) => {
    const model = await openModel(lab.options.base);
    const out: Value[] = [];
    const measure = async (step: number) => {
      const some = prior.slice(0, Math.ceil(prior.length / 2));
      const pairs = await logPolicy(model, some);
      some.forEach(({ context, logLikelihood, logPrior }, i) => {
        const input = { logLikelihood, logPrior, logProposal: logPrior, logPolicy: pairs[i]! };
        out.push({
          arm: 'along ILF',
          measure: `step ${step}`,
          context: context.id,
          value: klFromTarget(input).kl,
        });
      });
    };
    try {
      await measure(0);
      const state = await tune(model, targets, tuning, seed, async ({ step, steps }) => {
        progress('finetuning, and KL from the posterior', step, steps, 'steps');
        if (step % Math.ceil(steps / 5) === 0 || step === steps) await measure(step);
      });
      disposeAdamState(state);
    } finally {
      model.lm.dispose();
    }
    return out.map((value) => ({ seed: lab.options.seed, study: 'posterior', ...value }));
  });
  return rows.map(({ arm: of, measure, context, value }) => ({ arm: of, measure, context, value }));
}
