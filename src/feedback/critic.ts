import { contextName } from '../tasks/task.js';
import type { SourceDescriptor, SourceOptions, ToCriticise } from './source.js';

/** A critic says more than an output has to: tokens of its feedback at most. */
export const CRITIQUE_TOKENS = 64;

const inputs: SourceDescriptor['inputs'] = (_, { sampling, seed }) => ({
  critic: true,
  values: { ...sampling, maxTokens: CRITIQUE_TOKENS, seed },
});

/** An instruction-tuned LM as the critic. */
export const critic: SourceDescriptor = {
  name: 'critic',
  help: 'the critic, an instruction-tuned LM, writes it',
  serves: () => true,
  inputs,
  open: (options) => ({
    name: 'critic (instruct LM)',
    annotate: (items) => critiques(items, options),
  }),
};

async function critiques(
  items: readonly ToCriticise[],
  { task: { prompts, format }, critic: open, sampling, seed, onTexts }: SourceOptions,
) {
  if (items.length === 0) return [];
  const written = await (await open()).write(
    items.map(({ context, output }) => ({
      text: prompts.critique(context.text, output),
      name: contextName(context),
    })),
    1,
    { ...sampling, maxTokens: CRITIQUE_TOKENS, format: format.feedback, seed },
    onTexts,
  );
  return written.map(([said]) => ({ text: said!.text === '' ? prompts.noCritique : said!.text }));
}
