import { critic } from '../feedback/critic.js';
import { fromDataset } from '../feedback/dataset.js';
import { simulatedAnnotator } from '../feedback/simulated.js';
import type { FeedbackSource } from '../feedback/source.js';
import { CRITIQUE_TOKENS } from '../pipeline/policy.js';
import { texts as inTexts, type Progress } from '../pipeline/progress.js';
import type { FeedbackRow, InitialRow } from '../pipeline/tables.js';
import type { Context, Task } from '../tasks/task.js';
import type { TextModel } from '../writers/text-model.js';
import { type Sampling, sampleTexts } from '../writers/texts.js';

/** The task's own annotator where it has one; else what its data hold, and the instruct LM's critique for the rest. */
export function chooseSource(
  task: Pick<Task, 'annotate'>,
  instruct: () => Promise<TextModel>,
  sampling: Sampling,
  seed: number,
  onProgress: Progress,
): FeedbackSource {
  if (task.annotate) return simulatedAnnotator(task.annotate, String(seed));
  return fromDataset(
    critic(async (prompts, names) => {
      if (prompts.length === 0) return [];
      const settings = { ...sampling, maxNewTokens: CRITIQUE_TOKENS };
      const texts = await sampleTexts(
        await instruct(),
        prompts,
        names,
        1,
        settings,
        seed,
        inTexts(onProgress, 'writing critiques'),
      );
      return texts.map(([text]) => text!);
    }),
  );
}

/** Step 2: f on (c, x0). */
export async function giveFeedback(
  source: FeedbackSource,
  contexts: readonly Context[],
  initial: readonly Pick<InitialRow, 'text'>[],
): Promise<FeedbackRow[]> {
  const items = contexts.map((context, i) => ({ context, output: initial[i]!.text }));
  const annotations = await source.annotate(items);
  return annotations.map(({ text, points }, i) => ({
    context: contexts[i]!.id,
    text,
    source: source.name,
    points: points === undefined ? '' : JSON.stringify(points),
  }));
}
