/**
 * The Bayesian view: how good a probability the ranker's score is, what the posterior over refinements weighs, how likely "good" is
 * at all, and how far each model is from both targets, along and after training.
 */
import { basename } from 'node:path';
import { logEvidence, posteriorWeights } from '../../bayes/index.js';
import { tableStep } from '../../pipeline/run-context.js';
import { byContext } from '../../pipeline/tables.js';
import type { TableSchema } from '../../store/tables.js';
import { changeValues } from '../along-training.js';
import { type Arm, forecastArms, rlArm, tunedArms, weightArm } from '../arms.js';
import { judgedProposals, logPolicy, ownTexts, type Proposals, plattScaling } from '../bayesian-data.js';
import { PROPOSALS } from '../proposals.js';
import { reinforced, rlFolder } from '../reinforced.js';
import { incorporatedIn } from '../scores.js';
import type { Study } from '../study.js';
import type { StudyContext } from '../study-context.js';
import { klFrom, klTo } from '../target-kl.js';
import { folderOf, type Recipe, tuned } from '../tuned.js';
import { type Value, valuesAt } from '../value.js';

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
    const models: [arm: Arm, folder: string, dir: string][] = [
      [tunedArms.base, 'base', run.options.base],
      ...(await tunedModels(study, [
        [tunedArms.ilf, { targets: 'ilf', n }],
        [tunedArms.posterior, { targets: 'posterior', n }],
        [tunedArms.gold, { targets: 'gold', n }],
      ])),
    ];
    for (const of of scale.betas)
      models.push([rlArm(of), rlFolder(of).replace('/', '-'), (await reinforced(study, of)).tuned]);
    for (const [arm, folder, dir] of models) {
      const logPolicies = await logPolicyStep(study, `posterior/${folder}`, dir, proposals);
      const own = await ownTexts(study, `posterior/${folder}`, dir, platt);
      proposals.forEach((of, i) => {
        const measures = {
          ...klFrom(of, logPolicies[i]!, beta, run.options.samples),
          ...klTo(own[i]!, of, beta),
        };
        values.push(...valuesAt(arm, of.context.id, measures));
      });
      if (dir !== run.options.base) await run.models.close(dir);
    }
    return [...values, ...(await changeValues(study, proposals, platt, beta, { targets: 'ilf', n }))];
  },
};

async function tunedModels(
  study: StudyContext,
  recipes: [Arm, Recipe][],
): Promise<[arm: Arm, folder: string, dir: string][]> {
  const out: [Arm, string, string][] = [];
  for (const [arm, recipe] of recipes)
    out.push([arm, basename(folderOf(recipe)), (await tuned(study, recipe)).dir]);
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
        { arm: forecastArms.score, predicted: of.score[candidate]! },
        { arm: forecastArms.calibrated, predicted: Math.exp(of.logLikelihood[candidate]!) },
      ].flatMap(({ arm, predicted }) =>
        valuesAt(
          arm,
          `${of.context.id}#${candidate}`,
          { predicted, happened: happened[candidate]! },
          'forecast',
        ),
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
  const weights = [
    ...(beta === 1 ? [] : [{ terms: 'reward', of: 1 } as const]),
    ...(['reward', 'prior', 'proposal'] as const).map((terms) => ({ terms, of: beta })),
  ];
  return data.contexts.slice(0, scale.usual).flatMap(({ id }) => {
    const rows = groups.get(id)!;
    return weights.flatMap(({ terms, of }) => {
      const { ess } = posteriorWeights({
        rewards: scored.get(id)!.map(({ mean }) => mean),
        beta: of,
        ...(terms !== 'reward' && { logPrior: rows.map((row) => row.logprob_base) }),
        ...(terms === 'proposal' && { logProposal: rows.map((row) => row.logprob_refiner!) }),
      });
      return valuesAt(weightArm(terms, of), id, { ess });
    });
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
    return valuesAt(tunedArms.base, of.context.id, {
      logEvidence: judged,
      evidence: Math.exp(judged),
      ...(happened && { evidenceOracle: Math.exp(evidence(happened.map(Math.log))) }),
    });
  });
}
