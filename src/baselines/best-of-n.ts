/** Best-of-n by a reward model: no weights move, every output costs n samples. */
import { bestOfNKl, bestOfNKlBound, type Estimate, expectedBestOfN, meanEstimate } from '../bayes/index.js';
import { tellUnknown } from '../measure/unknown-text.js';
import { withModels } from '../pipeline/model-cache.js';
import { type Progress, texts } from '../pipeline/progress.js';
import { type RunContext, tableStep } from '../pipeline/run-context.js';
import { type Place, seedOf, stepSeed } from '../pipeline/seeds.js';
import { type BestOfNRow, bestOfNTable, byContext, readContexts } from '../pipeline/tables.js';
import type { TooLong } from '../pipeline/too-long.js';
import { UserError } from '../store/errors.js';
import { writeTable } from '../store/tables.js';
import { type Context, outputPrompt, type Task } from '../tasks/task.js';
import { localWriter } from '../writers/local.js';
import type { TextModel } from '../writers/text-model.js';
import type { Sampling } from '../writers/writer.js';
import { forDistinct } from './distinct.js';
import { type Reward, rewardable, withReward } from './reward.js';

/** What is sampled, and what of it is asked. */
export interface ScoredSampling {
  task: Task;
  /** π and π_0. */
  model: TextModel;
  base: TextModel;
  reward: Reward;
  contexts: readonly Context[];
  n: number;
  sampling: Sampling;
  seed: number;
}

/**
 * n texts from π(·|c) for each context, with their rewards and log-probabilities: all that best-of-1 to best-of-n are
 * computed from (src/bayes/best-of-n.ts). A text that was drawn several times keeps all its rows; it is scored once.
 */
export async function sampleScored(
  { task, model, base, reward, contexts, n, sampling, seed }: ScoredSampling,
  progress: Progress,
): Promise<BestOfNRow[]> {
  const writer = localWriter(model);
  const prompts = contexts.map((context) => outputPrompt(task.prompts, context));
  const onTexts = texts(progress, 'sampling');
  const drawn = await writer.write(prompts, n, { ...sampling, format: task.format.output, seed }, onTexts);
  const items = contexts.flatMap(({ id, text: context }, i) =>
    drawn[i]!.map((written, candidate) => ({ id, candidate, context, written, prompt: prompts[i]! })),
  );
  const scores = await forDistinct(
    items,
    ({ id, written }) => JSON.stringify([id, written.text, Array.from(written.ids)]),
    async (distinct) => {
      const asked = distinct.map(({ prompt }) => prompt);
      const said = distinct.map(({ written }) => written);
      const rewards = await reward.score(
        distinct.map(({ context, written: { text } }) => ({ context, text })),
        texts(progress, 'rewards'),
      );
      const scoring = texts(progress, 'log-probabilities');
      const logModel = await writer.score(asked, said, scoring);
      const logBase = base === model ? logModel : await localWriter(base).score(asked, said, scoring);
      return rewards.map((value, i) => ({
        reward: value,
        logprob_model: logModel[i]!,
        logprob_base: logBase[i]!,
      }));
    },
  );
  return items.map(({ id, candidate, written }, i) => ({
    context: id,
    candidate,
    ...written,
    ...scores[i]!,
  }));
}

export interface BestOfN {
  n: number;
  /** E[r of the pick], mean over contexts. */
  reward: Estimate;
  /** KL(best-of-n ‖ the model sampled from), in nats, mean over contexts; and what it cannot exceed. */
  kl: Estimate;
  klBound: number;
}

/** 1, 2, 4, … and `most`. */
export function sizesUpTo(most: number): number[] {
  const sizes = [];
  for (let n = 1; n < most; n *= 2) sizes.push(n);
  return [...sizes, most];
}

/** Best of 1, 2, 4, … and of all the samples that each context has; all of them must have as many. */
export function bestOfNEstimates(rows: readonly BestOfNRow[]): BestOfN[] {
  const rewards = [...byContext(rows).values()].map((of) => of.map(({ reward }) => reward));
  const most = rewards[0]!.length;
  return sizesUpTo(most).map((n) => ({
    n,
    reward: meanEstimate(rewards.map((of) => expectedBestOfN(of, of, n))),
    kl: meanEstimate(rewards.map((of) => bestOfNKl(of, n))),
    klBound: bestOfNKlBound(n),
  }));
}

/** Scored texts as a step of a run, for the contexts of the table `from`. */
export interface BestOfNStep {
  model: string;
  rewardModel: string;
  contexts: readonly Context[];
  from: string;
  n: number;
  sampling: Sampling;
}

/** The table `folder`/best-of-n. */
export function bestOfNStep(
  run: RunContext,
  folder: string,
  { model, rewardModel, contexts, from, n, sampling }: BestOfNStep,
): Promise<BestOfNRow[]> {
  const { task } = run;
  const { base, seed: runSeed } = run.options;
  const seed = stepSeed(runSeed, folder, 'best-of-n');
  const inputs = {
    tables: [from],
    models: [model, base, rewardModel],
    values: { ...sampling, n, seed, contexts: contexts.length, format: run.task.format.output.name },
  };
  return tableStep(run, `${folder}/best-of-n`, bestOfNTable, inputs, (progress) =>
    withReward(rewardModel, task.prompts, async (reward) => {
      const [policy, prior] = [await run.models.get(model), await run.models.get(base)];
      const of = { task, model: policy, base: prior, reward, contexts, n, sampling, seed };
      return sampleScored(of, progress);
    }),
  );
}

export interface BestOfNCommand {
  task: Task;
  contexts: string;
  /** Folders of π, π_0, and the reward model. */
  model: string;
  base: string;
  rewardModel: string;
  out: string;
  n: number;
  sampling: Sampling;
  place: Place;
  tooLong: TooLong;
}

/** Writes the table of scored texts, and returns what best-of-n gives. */
export async function bestOfNCommand(of: BestOfNCommand, progress: Progress): Promise<BestOfN[]> {
  const { task, n, sampling } = of;
  const all = await readContexts(of.contexts);
  if (all.length === 0) throw new UserError(`${of.contexts} holds no contexts`);
  const contexts = await rewardable(
    task,
    all,
    { models: [of.model, of.base], rewardModel: of.rewardModel },
    sampling.maxTokens,
    of.tooLong,
  );
  const rows = await withModels(async (models) => {
    const [model, base] = [await models.get(of.model), await models.get(of.base)];
    const look = { maxTokens: sampling.maxTokens, seed: seedOf(of.place, 'familiarity') };
    await tellUnknown({ model, role: 'model' }, task, contexts, look, of.tooLong.tell, progress);
    return withReward(of.rewardModel, task.prompts, (reward) => {
      const seed = seedOf(of.place, 'best-of-n');
      return sampleScored({ task, model, base, reward, contexts, n, sampling, seed }, progress);
    });
  });
  await writeTable(of.out, bestOfNTable, rows);
  return bestOfNEstimates(rows);
}
