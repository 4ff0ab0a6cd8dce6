import { winShares } from '../../bayes/index.js';
import { heldOutTable } from '../../ilf/heldout.js';
import { rank, toRank } from '../../ilf/rank.js';
import { tableStep } from '../../pipeline/run-context.js';
import { byContext, type ScoreRow, scoresTable } from '../../pipeline/tables.js';
import type { RankerName } from '../../rankers/names.js';
import { openRanker, type RankerModels } from '../../rankers/open.js';
import { rewardModel } from '../reward-arm.js';
import type { Study } from '../study.js';
import type { StudyContext } from '../study-context.js';
import type { Value } from '../values.js';
import { armValues } from './refinements.js';

const PROMPTS = [1, 2, 3, 4, 5] as const;

export const rankers: Study = {
  name: 'rankers',
  about: 'every ranker’s pick of the same refinements against a random one',
  run: async (study) => {
    const bradleyTerry = await rewardModel(study, 'quality', 'bradley-terry');
    const yesNo = await rewardModel(study, 'quality', 'yes-no');
    const human = await rewardModel(study, 'human', 'yes-no');
    const scored = async (arm: string, name: RankerName, models: Partial<RankerModels> = {}) =>
      pickValues(study, arm, await scoresStep(study, arm, name, models));
    const single = [];
    for (const k of PROMPTS) single.push(await scored(`InstructRM, prompt ${k}`, `instruct-rm-${k}`));
    return [
      ...pickValues(study, 'InstructRM', study.heldOut.scores),
      ...single.flat(),
      ...meanOf('single prompts, mean', single),
      ...(await scored('reward model, Bradley–Terry', 'reward-model', { rewardModel: bradleyTerry })),
      ...(await scored('reward model, Yes/No', 'reward-model', { rewardModel: yesNo })),
      ...(await scored('embedding similarity', 'embedding')),
      ...(await scored('human-likeness', 'human-likeness', { humanLikeness: human })),
      ...(await scored('longest', 'longest')),
      ...(await scored('random', 'random')),
      ...oraclePick(study),
    ];
  },
};

/** R of the held-out contexts' refinements by one ranker. */
function scoresStep(
  { run, heldOut }: StudyContext,
  arm: string,
  name: RankerName,
  models: Partial<RankerModels>,
): Promise<ScoreRow[]> {
  const { instruct, seed, host } = run.options;
  const { contexts, initial, feedback, refinements } = heldOut;
  const folders = [instruct, models.rewardModel, models.humanLikeness].filter((dir) => dir !== undefined);
  const inputs = {
    tables: ['contexts', 'initial', 'feedback', 'refinements'].map(heldOutTable),
    models: folders,
    values: { name, seed },
  };
  const file = `rankers/${arm.replace(/\W+/g, '-').toLowerCase()}`;
  return tableStep(run, file, scoresTable, inputs, async (progress) => {
    const ranker = await openRanker(name, { instruct, seed, host, ...models });
    try {
      return await rank(ranker, toRank(contexts, initial, feedback, refinements), progress);
    } finally {
      await ranker.close();
    }
  });
}

/** Refinements [context][candidate] and what is picked of them. */
function pickValues(study: StudyContext, arm: string, scores: readonly ScoreRow[]): Value[] {
  const rows = byContext(scores);
  return valuesOfPick(
    study,
    arm,
    study.heldOut.contexts.map(({ id }) => rows.get(id)!.findIndex(({ selected }) => selected)),
  );
}

function valuesOfPick(study: StudyContext, arm: string, picks: readonly number[]): Value[] {
  const { heldOut, scorer } = study;
  const groups = byContext(heldOut.refinements);
  const texts = heldOut.contexts.map(({ id }) => groups.get(id)!.map(({ text }) => text));
  const picked = texts.map((of, i) => [of[picks[i]!]!]);
  const score = (of: readonly (readonly string[])[]) =>
    heldOut.contexts.map((context, i) => of[i]!.map((text) => scorer.score(context, text)));
  // A random refinement of the same context: all of them, the picked one too.
  const won = winShares(score(picked), score(texts));
  return [
    ...won.map((value, i) => ({ arm, measure: 'winVsRandom', context: heldOut.contexts[i]!.id, value })),
    ...armValues(study, arm, picked).filter(({ measure }) => measure !== 'winVsInitial'),
  ];
}

/** The mean over arms of each measure and context. */
function meanOf(arm: string, arms: readonly Value[][]): Value[] {
  return arms[0]!.map((first, i) => ({
    ...first,
    arm,
    value: arms.reduce((sum, values) => sum + values[i]!.value, 0) / arms.length,
  }));
}

/** The best that any ranker could pick: what scores highest. */
function oraclePick(study: StudyContext): Value[] {
  const { heldOut, scorer } = study;
  const groups = byContext(heldOut.refinements);
  const picks = heldOut.contexts.map((context) => {
    const scores = groups.get(context.id)!.map(({ text }) => scorer.score(context, text));
    return scores.indexOf(Math.max(...scores));
  });
  return valuesOfPick(study, 'oracle', picks);
}
