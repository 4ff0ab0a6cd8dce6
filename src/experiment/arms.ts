/**
 * What the studies compare, all of it declared here: sections and claims choose arms by their ids and fields; labels are for
 * people.
 */
import type { PreferenceForm } from '../lm/preference.js';
import type { Rung } from './rungs.js';

/** A model, a ranker, a kind of refinement. */
export interface Arm {
  /** No other arm of its study has it. */
  id: string;
  /** What tables, figures and documents call it. */
  label: string;
  /** The line of a figure, or the family of methods, that it belongs to; empty for none. */
  series: string;
  /** Where it stands in its series: contexts, comparisons, a round, n of best-of-n, β, a width; null where order means nothing. */
  x: number | null;
}

const single = (id: string, label: string, series = ''): Arm => ({ id, label, series, x: null });

/** Models by what they are tuned on. */
export const tunedArms = {
  base: single('base', 'base model'),
  ilf: single('ilf', 'ILF', 'ILF'),
  randomPicks: single('ilf-random-picks', 'ILF, random picks', 'ILF'),
  longestPicks: single('ilf-longest-picks', 'ILF, longest picks', 'ILF'),
  posterior: single('posterior', 'posterior-weighted refinements', 'ILF'),
  noFeedback: single('no-feedback', 'refinements without feedback', 'controls'),
  shuffledFeedback: single('shuffled-feedback', 'refinements with shuffled feedback', 'controls'),
  feedbackRefinement: single('feedback-refinement', 'feedback, then refinement'),
  initial: single('initial', 'initial outputs', 'supervised'),
  gold: single('gold', 'gold summaries', 'supervised'),
  twoEpochs: single('ilf-2-epochs', 'ILF, 2 epochs', 'ILF'),
  fourEpochs: single('ilf-4-epochs', 'ILF, 4 epochs', 'ILF'),
};

/** One of them, tuned on n contexts. */
export const sizedArm = ({ id, label }: Arm, n: number): Arm => ({
  id: `${id}-${n}`,
  label: `${label}, ${n}`,
  series: label,
  x: n,
});

/** The model after a round. */
export const roundArm = (mode: 'continue' | 'retrain', round: number): Arm => ({
  id: `${mode}-${round}`,
  label: `${mode}, round ${round}`,
  series: mode,
  x: round,
});

/** The model that RL with this β gave. */
export const rlArm = (beta: number): Arm => ({
  id: `rl-${beta}`,
  label: `RL, β = ${beta}`,
  series: 'RL',
  x: beta,
});

/** The pick of n samples of a model. */
export const bestOfNArm = (model: 'base' | 'ilf', n: number): Arm => {
  const series = { base: 'π_0', ilf: 'ILF' }[model];
  return { id: `${model}-${n}`, label: `${series}, best of ${n}`, series, x: n };
};

/** Texts for the held-out contexts, and who wrote or picked them. */
export const refinementArms = {
  initial: single('initial', 'initial outputs'),
  noFeedback: single('no-feedback', 'without feedback'),
  shuffledFeedback: single('shuffled-feedback', 'with shuffled feedback'),
  randomPick: single('random-pick', 'with feedback, random pick'),
  pick: single('pick', 'with feedback, InstructRM’s pick'),
  written: single('written', 'written'),
};

/** Whose pick it is. */
export const rankerArms = {
  instructRm: single('instruct-rm', 'InstructRM'),
  singlePrompts: single('single-prompts', 'single prompts, mean'),
  bradleyTerry: single('reward-model-bradley-terry', 'reward model, Bradley–Terry'),
  yesNo: single('reward-model-yes-no', 'reward model, Yes/No'),
  embedding: single('embedding-similarity', 'embedding similarity'),
  humanLikeness: single('human-likeness', 'human-likeness'),
  longest: single('longest', 'longest'),
  random: single('random', 'random'),
  oracle: single('oracle', 'oracle'),
};

/** InstructRM with one of its prompts alone. */
export const promptArm = (prompt: number): Arm => ({
  id: `instruct-rm-prompt-${prompt}`,
  label: `InstructRM, prompt ${prompt}`,
  series: 'single prompts',
  x: prompt,
});

/** A reward model that learned from n comparisons. */
export const rewardModelArm = (form: PreferenceForm, n: number): Arm => {
  const series = { 'bradley-terry': 'Bradley–Terry', 'yes-no': 'Yes/No' }[form];
  return { id: `${form}-${n}`, label: `${series}, ${n} comparisons`, series, x: n };
};

/** What a probability that a text incorporates the feedback is taken from. */
export const forecastArms = {
  score: single('score', 'InstructRM’s score'),
  calibrated: single('calibrated', 'calibrated'),
};

/** Posterior weights: exp(βR) alone, with the prior π_0 too, or over the proposal's density q as well. */
export const weightArm = (terms: 'reward' | 'prior' | 'proposal', beta: number): Arm => ({
  id: `weights-${terms}-${beta}`,
  label: `exp(βR)${{ reward: '', prior: ' π₀', proposal: ' π₀/q' }[terms]}, β = ${beta}`,
  series: 'weights',
  x: beta,
});

/** Distributions that ILF's training is held against, by the measure of its KL to the model. */
export const TARGETS_ALONG = ['klFromPosterior', 'klFromRewardTarget', 'klFromPicks'] as const;
export type TargetAlong = (typeof TARGETS_ALONG)[number];

/** By how much a KL changed along the training. */
export const changeArm = (of: TargetAlong): Arm => single(`${of}-change`, `${of}, change`, 'change');

/** A refiner of the ladder. */
export const rungArm = ({ name, n_layer, n_embd }: Rung): Arm => ({
  id: `${n_layer}x${n_embd}`,
  label: name,
  series: 'ladder',
  x: n_embd,
});
