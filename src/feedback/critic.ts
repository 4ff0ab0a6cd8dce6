import { critiquePrompt } from '../tasks/prompts.js';
import type { FeedbackSource } from './source.js';

/** Continues each prompt by one line of text; `names` say in errors which context a prompt belongs to. */
export type Write = (prompts: string[], names: string[]) => Promise<string[]>;

/** An instruction-tuned LM as the critic. */
export function critic(write: Write): FeedbackSource {
  return {
    name: 'critic (instruct LM)',
    annotate: async (items) => {
      const texts = await write(
        items.map(({ context, output }) => critiquePrompt(context.text, output)),
        items.map(({ context }) => `context ${context.id}`),
      );
      return texts.map((text) => ({ text: text === '' ? 'Please improve the summary.' : text }));
    },
  };
}
