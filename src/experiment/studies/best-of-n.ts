import { sizesUpTo } from '../../baselines/best-of-n.js';
import { bestOfNKl, bestOfNKlBound, expectedBestOfN, winShares } from '../../bayes/index.js';
import { type BestOfNRow, byContext } from '../../pipeline/tables.js';
import { bestOfNArm } from '../arms.js';
import { priorTexts, scoredTexts } from '../scored-texts.js';
import { scoresOf, singleTexts } from '../scores.js';
import type { Study } from '../study.js';
import type { StudyContext } from '../study-context.js';
import { tuned } from '../tuned.js';
import { type Value, valuesAt } from '../value.js';

export const bestOfNStudy: Study = {
  name: 'best-of-n',
  about: 'best-of-n by the reward model, of π_0 and of the ILF model',
  valuesIn: async (study) => {
    const { scale } = study;
    const ilf = { targets: 'ilf', n: scale.usual } as const;
    return [
      ...(await bestOfValues(study, 'base', await priorTexts(study))),
      ...(await bestOfValues(
        study,
        'ilf',
        await scoredTexts(
          study,
          'best-of-n/ilf',
          (await tuned(study, ilf)).dir,
          scale.bestOfContexts,
          scale.bestOf,
        ),
      )),
    ];
  },
};

/** Expected score and win rate of best-of-n, and its KL to π_0, for each n. */
async function bestOfValues(
  study: StudyContext,
  model: 'base' | 'ilf',
  rows: readonly BestOfNRow[],
): Promise<Value[]> {
  const { heldOut, scale } = study;
  const groups = byContext(rows);
  const contexts = heldOut.contexts.slice(0, scale.bestOfContexts);
  const before = await scoresOf(study, contexts, singleTexts(study, heldOut.base).slice(0, contexts.length));
  const after = await scoresOf(
    study,
    contexts,
    contexts.map(({ id }) => groups.get(id)!.map(({ text }) => text)),
  );
  return contexts.flatMap((context, i) => {
    const of = groups.get(context.id)!;
    const rewards = of.map(({ reward }) => reward);
    const scores = after[i]!;
    const won = scores.map((score) => winShares([[score]], [before[i]!])[0]!);
    const logRatios = of.map(({ logprob_model, logprob_base }) => logprob_model - logprob_base);
    const lengths = of.map(({ text }) => text.length);
    return sizesUpTo(scale.bestOf).flatMap((n) => {
      return valuesAt(bestOfNArm(model, n), context.id, {
        score: expectedBestOfN(rewards, scores, n),
        winVsBase: expectedBestOfN(rewards, won, n),
        length: expectedBestOfN(rewards, lengths, n),
        klTunedBase: bestOfNKl(rewards, n) + expectedBestOfN(rewards, logRatios, n),
        klBound: bestOfNKlBound(n),
      });
    });
  });
}
