/**
 * The Bayesian view: how good a probability the ranker's score is, what the posterior over refinements weighs, how likely "good" is
 * at all, and how far each model is from both targets, along and after training.
 */
import {
  bestOfNKlToBase,
  type Calibration,
  klFromTarget,
  klToTarget,
  logEvidence,
  posteriorWeights,
} from '../../bayes/index.js';
import { disposeAdamState } from '../../engine/fused.js';
import { tune } from '../../ilf/finetune.js';
import { tuningOf } from '../../pipeline/options.js';
import { noProgress } from '../../pipeline/progress.js';
import { tableStep } from '../../pipeline/run-context.js';
import { stepSeed } from '../../pipeline/seeds.js';
import { byContext } from '../../pipeline/tables.js';
import type { TableSchema } from '../../store/tables.js';
import { openModel } from '../../writers/text-model.js';
import {
  judgedProposals,
  logPolicy,
  type OwnTexts,
  ownTexts,
  type Proposals,
  plattScaling,
} from '../bayesian-data.js';
import { PROPOSALS } from '../proposals.js';
import { reinforced, rlFolder } from '../reinforced.js';
import { incorporatedIn } from '../scores.js';
import type { Study } from '../study.js';
import type { StudyContext } from '../study-context.js';
import { folderOf, type Recipe, recipeTargets, tuned } from '../tuned.js';
import { type Value, valuesTable } from '../values.js';

export const posteriorStudy: Study = {
  name: 'posterior',
  about: 'calibration, posterior weights, evidence, and KL to and from the targets',
  valuesIn: async (study) => {
    const { run, scale } = study;
    const platt = await plattScaling(study);
    // π_0 exp(r/β)/Z for the middle one of the β that RL is run with.
    const beta = scale.betas[Math.floor(scale.betas.length / 2)]!;
    const proposals = await judgedProposals(study, platt);
    const values: Value[] = [
      ...(await reliabilityValues(study, proposals)),
      ...weightValues(study),
      ...(await evidenceValues(study, proposals)),
    ];
    const n = scale.usual;
    const arms: [name: string, folder: string, model: string][] = [
      ['base model', 'base', run.options.base],
      ...(await tunedArms(study, [
        ['ILF', { targets: 'ilf', n }],
        ['posterior-weighted refinements', { targets: 'posterior', n }],
        ['gold summaries', { targets: 'gold', n }],
      ])),
    ];
    for (const of of scale.betas)
      arms.push([`RL, β = ${of}`, rlFolder(of).replace('/', '-'), (await reinforced(study, of)).tuned]);
    for (const [name, folder, model] of arms) {
      const logPolicies = await logPolicyStep(study, `posterior/${folder}`, model, proposals);
      const own = await ownTexts(study, `posterior/${folder}`, model, platt);
      proposals.forEach((of, i) => {
        const measures = {
          ...klFrom(of, logPolicies[i]!, beta, run.options.samples),
          ...klTo(own[i]!, of, beta),
        };
        values.push(...valuesOfContext(name, of.context.id, measures));
      });
      if (model !== run.options.base) await run.models.close(model);
    }
    return [...values, ...(await alongStep(study, proposals, platt, beta, { targets: 'ilf', n }))];
  },
};

const valuesOfContext = (arm: string, context: string, measures: Record<string, number>): Value[] =>
  Object.entries(measures).map(([measure, value]) => ({ arm, measure, context, value }));

async function tunedArms(study: StudyContext, arms: [string, Recipe][]): Promise<[string, string, string][]> {
  const out: [string, string, string][] = [];
  for (const [name, arm] of arms) out.push([name, folderOf(arm).slice(5), (await tuned(study, arm)).dir]);
  return out;
}

const logPolicyTable = {
  context: 'utf8',
  candidate: 'int32',
  logprob: 'float64',
} as const satisfies TableSchema;

/** log π_θ of the proposals, [context][candidate]. */
async function logPolicyStep(
  { run }: StudyContext,
  folder: string,
  model: string,
  proposals: readonly Proposals[],
): Promise<number[][]> {
  const inputs = { tables: [PROPOSALS], models: [model] };
  const rows = await tableStep(run, `${folder}/log-policy`, logPolicyTable, inputs, async (progress) => {
    const logs = await logPolicy(await run.models.get(model), run.task, proposals, progress);
    return proposals.flatMap(({ context }, i) =>
      logs[i]!.map((logprob, candidate) => ({ context: context.id, candidate, logprob })),
    );
  });
  const groups = byContext(rows);
  return proposals.map(({ context }) => groups.get(context.id)!.map(({ logprob }) => logprob));
}

/** What was predicted of the proposals, before and after calibration, and what the oracle says, where there is one. */
async function reliabilityValues(study: StudyContext, proposals: readonly Proposals[]): Promise<Value[]> {
  const truth = await truthOf(study, proposals);
  return proposals.flatMap((of, i) => {
    const happened = truth?.[i];
    if (!happened) return [];
    return of.texts.flatMap((_, candidate) =>
      [
        { arm: 'InstructRM’s score', predicted: of.score[candidate]! },
        { arm: 'calibrated', predicted: Math.exp(of.logLikelihood[candidate]!) },
      ].flatMap(({ arm, predicted }) =>
        valuesOfContext(arm, `${of.context.id}#${candidate}`, { predicted, happened: happened[candidate]! }),
      ),
    );
  });
}

/** Whether the oracle says that each text incorporates the feedback on x0, 1 or 0; null without an oracle. */
const truthOf = (study: StudyContext, proposals: readonly Proposals[]): Promise<number[][] | null> =>
  incorporatedIn(
    study,
    proposals.map(({ context }) => context),
    proposals.map(({ texts }) => texts),
  );

/** Effective sample sizes of the posterior weights over the data's refinements, by what goes into them. */
function weightValues({ data, run, scale }: StudyContext): Value[] {
  const scored = byContext(data.scores);
  const groups = byContext(data.refinements);
  const { beta } = run.options;
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
        ...(proposal && { logProposal: rows.map((row) => row.logprob_refiner!) }),
      }).ess,
    }));
  });
}

/** p(I=1 | c), by the judge's likelihood and by the oracle's 0 and 1 for it; the judge's also as a log. */
async function evidenceValues(study: StudyContext, proposals: readonly Proposals[]): Promise<Value[]> {
  const truth = await truthOf(study, proposals);
  return proposals.flatMap((of, i) => {
    const { logPrior, logProposal, logLikelihood } = of;
    const evidence = (logs: number[]) =>
      logEvidence({ logLikelihood: logs, logPrior, logProposal }).logEvidence;
    const judged = evidence(logLikelihood);
    const happened = truth?.[i];
    return valuesOfContext('base model', of.context.id, {
      logEvidence: judged,
      evidence: Math.exp(judged),
      ...(happened && { evidenceOracle: Math.exp(evidence(happened.map(Math.log))) }),
    });
  });
}

const overBeta = (reward: readonly number[], beta: number) => reward.map((r) => r / beta);

/**
 * KL(p* ‖ π_θ) of the posterior, of the reward target, and of what ILF is trained on: the best of `samples` refinements by
 * InstructRM, whose density is the refiner's times how much likelier picking makes a text.
 */
function klFrom(of: Proposals, logPolicies: number[], beta: number, samples: number) {
  const { logPrior, logProposal, logLikelihood, score, logRefiner, refined } = of;
  const common = { logPrior, logProposal, logPolicy: logPolicies };
  const posteriorOf = klFromTarget({ ...common, logLikelihood });
  const rewardTarget = klFromTarget({ ...common, logLikelihood: overBeta(of.reward, beta) });
  const refinements = (all: readonly number[]) => all.filter((_, i) => refined[i]);
  return {
    klFromPosterior: posteriorOf.kl,
    klFromRewardTarget: rewardTarget.kl,
    klFromPicks: bestOfNKlToBase(
      refinements(score),
      refinements(logRefiner),
      refinements(logPolicies),
      samples,
    ),
    essPosterior: posteriorOf.ess,
    essRewardTarget: rewardTarget.ess,
  };
}

/** KL(π_θ ‖ p*) of the posterior and of the reward target, from samples of the model; log Z from the proposals. */
function klTo({ logPrior, logModel, logLikelihood, reward }: OwnTexts, proposals: Proposals, beta: number) {
  const to = (own: number[], ofProposals: number[]) => {
    const { logPrior: prior, logProposal } = proposals;
    const { logEvidence: logZ } = logEvidence({ logLikelihood: ofProposals, logPrior: prior, logProposal });
    return klToTarget({ logLikelihood: own, logPrior, logPolicy: logModel, logZ }).kl;
  };
  return {
    klToPosterior: to(logLikelihood, proposals.logLikelihood),
    klToRewardTarget: to(overBeta(reward, beta), overBeta(proposals.reward, beta)),
  };
}

/** The targets that ILF's training is watched by. */
const ALONG = ['klFromPosterior', 'klFromRewardTarget', 'klFromPicks'] as const;

/** By how much the KL from the targets changed, four times during a training of ILF and after it. */
async function alongStep(
  study: StudyContext,
  proposals: readonly Proposals[],
  platt: Calibration,
  beta: number,
  arm: Recipe,
): Promise<Value[]> {
  const { run } = study;
  const folder = folderOf(arm);
  const tuning = tuningOf(run.options);
  // The very training that made the arm's model.
  const seed = stepSeed(run.options.seed, folder, 'finetune');
  const { targets } = await recipeTargets(study, arm);
  const inputs = {
    tables: [`${folder}/targets`, PROPOSALS, 'posterior/judged-proposals'],
    models: [run.options.base],
    values: { ...tuning, seed, beta, platt: { ...platt } },
  };
  const rows = await tableStep(run, 'posterior/along', valuesTable, inputs, async (progress) => {
    const model = await openModel(run.options.base);
    const some = proposals.slice(0, Math.ceil(proposals.length / 2));
    const out: Value[] = [];
    let before: Record<(typeof ALONG)[number], number>[] | undefined;
    const measure = async (step: number) => {
      const logPolicies = await logPolicy(model, run.task, some, noProgress);
      const now = some.map((of, i) => klFrom(of, logPolicies[i]!, beta, run.options.samples));
      before ??= now;
      for (const target of ALONG)
        some.forEach(({ context }, i) => {
          const value = now[i]![target] - before![i]![target];
          out.push({ arm: `${target}, change`, measure: `step ${step}`, context: context.id, value });
        });
    };
    try {
      await measure(0);
      const how = { task: run.task, targets, tuning, seed };
      const state = await tune(model, how, async ({ step, steps }) => {
        progress('finetuning, and KL from the targets', step, steps, 'steps');
        if (step % Math.ceil(steps / 5) === 0 || step === steps) await measure(step);
      });
      disposeAdamState(state);
    } finally {
      model.lm.dispose();
    }
    return out.map((value) => ({ seed: run.options.seed, study: 'posterior', ...value }));
  });
  return rows.map(({ arm: of, measure, context, value }) => ({ arm: of, measure, context, value }));
}
