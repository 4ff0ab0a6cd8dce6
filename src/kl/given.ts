/** Two models on texts that were given: how far apart they are at every prefix, and which one the texts are likelier under. */
import { describeInterval, type Estimate, ratioEstimate } from '../bayes/estimate.js';
import { sum } from '../bayes/sums.js';
import { compareBothWays } from '../lm/compare.js';
import { type KlDirection, textsOf } from '../measure/kl.js';
import { texts as inTexts, type Progress } from '../pipeline/progress.js';
import type { KlRow } from '../pipeline/tables.js';
import type { GivenMeasures, GivenTexts } from '../report/kl/types.js';
import { inChunks } from '../writers/chunks.js';
import type { GivenText } from './data.js';
import type { KlPair } from './pair.js';

/** The rows of a direction on given texts. */
export const givenDirection = (direction: KlDirection) => `given-${direction}` as const;

/** Rows of both directions, each text's log-probabilities and the exact KL at its prefixes, from one pass of each model. */
export async function compareGiven(
  { tuned, base }: KlPair,
  texts: readonly GivenText[],
  progress: Progress,
): Promise<KlRow[]> {
  const compared = await inChunks(
    texts.map(({ ids, completion }) => ({ prompt: ids, completion })),
    (some) => compareBothWays(tuned.lm, base.lm, some),
    inTexts(progress, 'KL: comparing on the given texts'),
  );
  const row = (direction: KlDirection, i: number, q: Float32Array, p: Float32Array, exact: Float32Array) => ({
    direction: givenDirection(direction),
    context: texts[i]!.context,
    ids: texts[i]!.completion,
    logprobs_q: q,
    logprobs_p: p,
    exact,
  });
  return [
    ...compared.map(({ logQ, logP, exact }, i) => row('tunedFromBase', i, logQ, logP, exact)),
    ...compared.map(({ logQ, logP, reverse }, i) => row('baseFromTuned', i, logP, logQ, reverse)),
  ];
}

export function measureGiven(rows: readonly KlRow[]): GivenTexts {
  const [tuned, base] = (['tunedFromBase', 'baseFromTuned'] as const).map((direction) =>
    textsOf(rows, givenDirection(direction)).flat(),
  );
  const texts = tuned!.map(({ exact, logQ, logP }, i) => ({
    tokens: exact.length,
    tunedFromBase: sum(exact),
    baseFromTuned: sum(base![i]!.exact),
    logRatio: sum(logQ) - sum(logP),
  }));
  const measures = (weigh: (text: { tokens: number }) => number): GivenMeasures => {
    const by = (name: keyof GivenMeasures): Estimate =>
      ratioEstimate(texts.map((text) => ({ sum: text[name], weight: weigh(text) })));
    return {
      tunedFromBase: by('tunedFromBase'),
      baseFromTuned: by('baseFromTuned'),
      logRatio: by('logRatio'),
    };
  };
  return {
    measured: 'at the prefixes of the given texts; not KL between the models’ own texts',
    texts: texts.length,
    tokens: texts.reduce((all, { tokens }) => all + tokens, 0),
    units: 'nats per text; perToken: nats per token, Σ texts / Σ tokens',
    interval: describeInterval().replace('contexts', 'texts'),
    ...measures(() => 1),
    perToken: measures(({ tokens }) => tokens),
  };
}
