/** A reward model trained alone, outside a run: the same functions, and the same seeds, as in a run's folder "reward". */
import type { PreferenceForm } from '../lm/preference.js';
import type { Progress } from '../pipeline/progress.js';
import { stepSeed } from '../pipeline/seeds.js';
import { briefs } from '../tasks/briefs/task.js';
import { openModel } from '../writers/text-model.js';
import type { Sampling } from '../writers/texts.js';
import { COMPARE, type ComparisonKind, PROMPTS } from './comparisons.js';
import { readComparisons } from './comparisons-file.js';
import { type Comparison, trainRewardModel } from './reward-model.js';

const seedOf = (seed: number, step: string) => stepSeed(seed, 'reward', step);

/** Comparisons of a person's own (JSONL), or sampled on contexts of the embedded world. */
export type ComparisonsFrom =
  | { file: string }
  | { base: string; from: number; count: number; sampling: Sampling };

/** OutputFormat the model folder `out`. */
export async function rewardModelAlone(
  source: ComparisonsFrom,
  instruct: string,
  out: string,
  kind: ComparisonKind,
  form: PreferenceForm,
  seed: number,
  progress: Progress,
): Promise<void> {
  // Opened first: a model that cannot be used is found out before anything is sampled.
  const model = await openModel(instruct);
  try {
    const comparisons = await compare(source, kind, seed, progress);
    const trainingSeed = seedOf(seed, 'reward-model');
    await trainRewardModel(model, comparisons, PROMPTS[kind], form, trainingSeed, out, progress);
  } finally {
    model.lm.dispose();
  }
}

async function compare(
  source: ComparisonsFrom,
  kind: ComparisonKind,
  seed: number,
  progress: Progress,
): Promise<Comparison[]> {
  if ('file' in source) return readComparisons(source.file);
  const base = await openModel(source.base);
  try {
    const contexts = briefs.contexts('ilf', source.from, source.count);
    const samplingSeed = seedOf(seed, 'comparisons');
    return await COMPARE[kind](briefs, base, contexts, source.sampling, samplingSeed, progress);
  } finally {
    base.lm.dispose();
  }
}
