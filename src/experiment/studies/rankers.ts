import { winShares } from '../../bayes/index.js';
import { heldOutTable } from '../../ilf/heldout.js';
import { scoresStep } from '../../ilf/rank.js';
import { ranksOf, textsOf } from '../../pipeline/held-out.js';
import type { ScoreRow } from '../../pipeline/tables.js';
import type { RankerOptions } from '../../rankers/ranker.js';
import { type Arm, promptArm, rankerArms } from '../arms.js';
import { rewardModel } from '../reward-model.js';
import { scoresOf } from '../scores.js';
import type { Study } from '../study.js';
import type { StudyContext } from '../study-context.js';
import { type Value, valuesAt, valuesOver } from '../value.js';
import { armValues } from './refinements.js';

const PROMPTS = [1, 2, 3, 4, 5] as const;

export const rankersStudy: Study = {
  name: 'rankers',
  about: 'every ranker’s pick of the same refinements against a random one',
  valuesIn: async (study) => {
    const bradleyTerry = await rewardModel(study, 'quality', 'bradley-terry');
    const yesNo = await rewardModel(study, 'quality', 'yes-no');
    const human = await rewardModel(study, 'human', 'yes-no');
    const scored = async (arm: Arm, name: string, models: Trained = {}) =>
      rankerValues(study, arm, await heldOutScores(study, arm, name, models));
    const single = [];
    for (const k of PROMPTS) single.push(await scored(promptArm(k), `instruct-rm-${k}`));
    return [
      ...(await rankerValues(study, rankerArms.instructRm, study.heldOut.scores)),
      ...single.flat(),
      ...meanOf(rankerArms.singlePrompts, single),
      ...(await scored(rankerArms.bradleyTerry, 'reward-model', { rewardModel: bradleyTerry })),
      ...(await scored(rankerArms.yesNo, 'reward-model', { rewardModel: yesNo })),
      ...(await scored(rankerArms.embedding, 'embedding')),
      ...(await scored(rankerArms.humanLikeness, 'human-likeness', { humanLikeness: human })),
      ...(await scored(rankerArms.longest, 'longest')),
      ...(await scored(rankerArms.random, 'random')),
      ...(await oraclePick(study)),
    ];
  },
};

type Trained = Partial<Pick<RankerOptions, 'rewardModel' | 'humanLikeness'>>;

/** R of the held-out contexts' refinements by one ranker. */
function heldOutScores(
  { run, heldOut }: StudyContext,
  arm: Arm,
  ranker: string,
  models: Trained,
): Promise<ScoreRow[]> {
  const { contexts, initial, feedback, refinements: texts } = heldOut;
  const tables = ['contexts', 'initial', 'feedback', 'refinements'].map(heldOutTable);
  return scoresStep(run, `rankers/${arm.id}`, ranker, { contexts, initial, feedback, texts }, tables, models);
}

const rankerValues = (study: StudyContext, arm: Arm, scores: readonly ScoreRow[]): Promise<Value[]> =>
  pickValues(
    study,
    arm,
    ranksOf(study.heldOut.contexts, scores).map(({ selected }) => selected),
  );

async function pickValues(study: StudyContext, arm: Arm, picks: readonly number[]): Promise<Value[]> {
  const { contexts, refinements } = study.heldOut;
  const texts = textsOf(contexts, refinements);
  const picked = texts.map((of, i) => [of[picks[i]!]!]);
  // A random refinement of the same context: all of them, the picked one too.
  const won = winShares(await scoresOf(study, contexts, picked), await scoresOf(study, contexts, texts));
  const others = await armValues(study, arm, picked);
  return [
    ...valuesOver(arm, contexts, { winVsRandom: won }),
    ...others.filter(({ measure }) => measure !== 'winVsInitial'),
  ];
}

/** The mean over arms of each measure and context. */
function meanOf(arm: Arm, arms: readonly Value[][]): Value[] {
  return arms[0]!.flatMap(({ measure, context }, i) =>
    valuesAt(arm, context, {
      [measure]: arms.reduce((sum, values) => sum + values[i]!.value, 0) / arms.length,
    }),
  );
}

/** The best that any ranker could pick: what scores highest. */
async function oraclePick(study: StudyContext): Promise<Value[]> {
  const { contexts, refinements } = study.heldOut;
  const scores = await scoresOf(study, contexts, textsOf(contexts, refinements));
  const picks = scores.map((of) => of.indexOf(Math.max(...of)));
  return pickValues(study, rankerArms.oracle, picks);
}
