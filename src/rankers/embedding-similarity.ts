import type { RankerDescriptor } from './ranker.js';

/**
 * Embedding similarity (Scheurer et al. 2023, their second ranker): the cosine between the embeddings of the feedback and
 * of the refinement. An embedding is the mean of an LM's hidden states over the text's tokens; a text is read alone, after
 * a space as completions are.
 */
export const embeddingSimilarity: RankerDescriptor = {
  name: 'embedding',
  label: 'embedding',
  help: 'how like the feedback the refinement is: the cosine of their embeddings by the judge',
  probability: false,
  madeFrom: ({ judge }) => ({ models: [judge] }),
  async open({ judge: dir }) {
    const { openModel } = await import('../writers/text-model.js');
    const { meanHidden } = await import('../lm/mean-hidden.js');
    const { encodeStart } = await import('../text/tokenizer.js');
    const { lm, tokenizer } = await openModel(dir);
    return {
      close: async () => lm.dispose(),
      async score(groups, onProgress) {
        const texts = [
          ...new Set(groups.flatMap((group) => group.flatMap((each) => [each.feedback, each.refinement]))),
        ];
        let done = 0;
        const embeddings = await meanHidden(
          lm,
          texts.map((text) => encodeStart(tokenizer, ` ${text}`)),
          (count) => {
            done += count;
            onProgress?.(done / texts.length);
          },
        );
        const of = new Map(texts.map((text, i) => [text, embeddings[i]!]));
        return groups.map((group) =>
          group.map(({ feedback, refinement }) => ({
            score: cosine(of.get(feedback)!, of.get(refinement)!),
            perPrompt: [],
          })),
        );
      },
    };
  },
};

function cosine(a: Float32Array, b: Float32Array): number {
  const dot = (x: Float32Array, y: Float32Array) => x.reduce((sum, value, i) => sum + value * y[i]!, 0);
  return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
}
