/**
 * A reward model: the instruction-tuned LM trained on comparisons, so that the log-odds of its answer to a question about a text
 * are the text's reward. A whole model folder, like any other.
 */
import { disposeAdamState } from '../engine/fused.js';
import { type PreferenceForm, preferenceObjective } from '../lm/preference.js';
import { trainOn } from '../lm/train.js';
import { tellUnknown } from '../measure/unknown-text.js';
import type { Progress } from '../pipeline/progress.js';
import { folderStep, type RunContext } from '../pipeline/run-context.js';
import { stepSeed } from '../pipeline/seeds.js';
import { fitting, need, type Reader, readerOf, type TooLong } from '../pipeline/too-long.js';
import { answerId } from '../rankers/answer-model/answers.js';
import { UserError } from '../store/errors.js';
import { writeFolderAtomic } from '../store/folder.js';
import type { AnswerPrompt } from '../tasks/prompts.js';
import { contextName, type Task } from '../tasks/task.js';
import { encodePrompt, localWriter } from '../writers/local.js';
import { openModel, saveModel, type TextModel } from '../writers/text-model.js';
import type { Sampling } from '../writers/writer.js';
import { type Comparison, type ComparisonKind, compare, promptOf } from './comparisons.js';
import { readComparisons } from './comparisons-file.js';

/** Pairs a step. */
const BATCH = 16;
const LR = 3e-4;
/** The first steps' learning rate rises over this share of the training. */
const WARMUP = 0.1;
/** Of a text of its own, to see whether it knows those that it learns from. */
const LOOK_TOKENS = 48;
/** Most padded tokens computed at once: bounds memory, changes no result. */
const MAX_TOKENS = 4096;

/** What a reward model learns. */
export interface Preferences {
  comparisons: readonly Comparison[];
  /** What it answers. */
  prompt: AnswerPrompt;
  form: PreferenceForm;
  seed: number;
}

/**
 * Trains on each comparison once and writes the folder `dir`. Changes `model` itself. @throws UserError where there are no
 * comparisons, one is too long for the model, or an answer of the prompt is not one token
 */
export async function trainRewardModel(
  model: TextModel,
  { comparisons, prompt, form, seed }: Preferences,
  dir: string,
  progress: Progress,
  onLoss: (step: number, loss: number) => void = () => {},
): Promise<void> {
  if (comparisons.length === 0)
    throw new UserError('reward model: no comparisons to learn from; give more contexts');
  const objective = preferenceObjective(
    form,
    answerId(model, prompt.name, prompt.positive),
    answerId(model, prompt.name, prompt.negative),
  );
  const pairs = comparisons.map(({ context, where, text, chosen, rejected }) => {
    // Encoded whole: a token may reach across the prefix's end.
    const question = (output: string) => {
      const asked = {
        text: prompt.prefix(text) + prompt.suffix(output),
        name: contextName({ id: context, ...(where !== undefined && { where }) }),
      };
      return encodePrompt(model, asked, 0);
    };
    const ids = question(chosen);
    return { chosen: ids, rejected: question(rejected), ids };
  });
  const options = {
    lr: LR,
    epochs: 1,
    warmup: Math.ceil((WARMUP * pairs.length) / BATCH),
    decay: 'cosine',
    floor: 0.05,
    stepSize: { sequences: BATCH },
    maxTokens: MAX_TOKENS,
    seed,
  } as const;
  const state = await trainOn(model.lm, objective, pairs, options, ({ step, steps, loss }) => {
    progress('training the reward model', step, steps, 'steps');
    onLoss(step, loss);
  });
  disposeAdamState(state);
  await writeFolderAtomic(dir, async (temporary) => {
    await saveModel(model.lm, model.dir, temporary);
  });
}

/** A reward model as a step of a run: what it learns, and the table that this was read from. */
export interface RewardModelStep {
  kind: ComparisonKind;
  form: PreferenceForm;
  comparisons: readonly Comparison[];
  table: string;
}

/** The judge trained on comparisons: the folder `folder`/model. */
export function rewardModelStep(
  run: RunContext,
  folder: string,
  { kind, form, comparisons, table }: RewardModelStep,
): Promise<string> {
  const { judge, seed: runSeed } = run.options;
  const seed = stepSeed(runSeed, folder, 'reward-model');
  const inputs = { tables: [table], models: [judge], values: { kind, form, seed } };
  return folderStep(run, `${folder}/model`, inputs, async (dir, progress) => {
    // A copy of its own: the run's open model is the judge to other steps.
    const model = await openModel(judge);
    try {
      const of = { comparisons, prompt: promptOf(kind, run.task.prompts), form, seed };
      await trainRewardModel(model, of, dir, progress, (step, loss) =>
        run.reporter.scalar(`${folder}/loss`, step, loss),
      );
    } finally {
      model.lm.dispose();
    }
  });
}

/** Comparisons of a person's own (JSONL), or sampled on a task's contexts. */
export type ComparisonsFrom =
  | { file: string }
  | { base: string; from: number; count: number; sampling: Sampling };

export interface RewardModelCommand {
  task: Task;
  comparisons: ComparisonsFrom;
  /** Folder of the LM that is trained. */
  instruct: string;
  out: string;
  kind: ComparisonKind;
  form: PreferenceForm;
  seed: number;
  tooLong: TooLong;
}

/** As in a run's folder "reward", with the same seeds. */
export async function rewardModelCommand(of: RewardModelCommand, progress: Progress): Promise<void> {
  // Opened first: a model that cannot be used is found out before anything is sampled.
  const model = await openModel(of.instruct);
  try {
    const prompt = promptOf(of.kind, of.task.prompts);
    const comparisons = await comparisonsOf(of, readerOf(model), prompt, progress);
    const contexts = comparisons.map(({ context: id, text }) => ({ id, text }));
    const look = { maxTokens: LOOK_TOKENS, seed: stepSeed(of.seed, 'reward', 'familiarity') };
    await tellUnknown({ model, role: 'instruct' }, of.task, contexts, look, of.tooLong.tell, progress);
    const seed = stepSeed(of.seed, 'reward', 'reward-model');
    await trainRewardModel(model, { comparisons, prompt, form: of.form, seed }, of.out, progress);
  } finally {
    model.lm.dispose();
  }
}

async function comparisonsOf(
  { task, comparisons: source, kind, seed: runSeed, tooLong }: RewardModelCommand,
  judge: Reader,
  { prefix, suffix }: AnswerPrompt,
  progress: Progress,
): Promise<Comparison[]> {
  const question = (text: string, output: string, room = 0) =>
    need(judge, room, prefix(text) + suffix(output));
  if ('file' in source)
    return fitting(
      await readComparisons(source.file),
      'comparisons',
      ({ context: id, where }) => where ?? contextName({ id }),
      ({ text, chosen, rejected }) => [question(text, chosen), question(text, rejected)],
      tooLong,
    );
  const base = await openModel(source.base);
  try {
    const { maxTokens } = source.sampling;
    const contexts = fitting(
      task.contexts('ilf', source.from, source.count),
      'contexts',
      contextName,
      ({ text, gold = '' }) => [
        need(readerOf(base), maxTokens, task.prompts.write(text)),
        question(text, '', maxTokens),
        ...(kind === 'human' ? [question(text, gold)] : []),
      ],
      tooLong,
    );
    const seed = stepSeed(runSeed, 'reward', 'comparisons');
    return await compare(
      localWriter(base),
      { task, kind, contexts, sampling: source.sampling, seed },
      progress,
    );
  } finally {
    base.lm.dispose();
  }
}
