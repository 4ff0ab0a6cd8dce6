import { estimateKl, type KlText, meanEstimate } from '../../src/bayes/index.js';
import { klParts, positionsFigure, tokensFigure } from '../../src/report/kl/figures.js';
import type { KlReport } from '../../src/report/kl/types.js';
import { draw, klSample, tinyModel, uniform } from '../bayes/tiny-model.js';

/** Labels of the tiny model's tokens; some are as hostile as a tokenizer may be. */
export const evil = `</span></script><script>window.owned = 1</script><img src="http://127.0.0.1:9/x" onerror="window.owned = 1"><style>body{display:none}</style>`;
const label = (id: number) => (id === 0 ? evil : `token${id}`);

/** A report on a model small enough to enumerate, with hostile texts wherever texts stand. */
export function sampleKl(): KlReport {
  const random = uniform(1);
  const direction = (q: string, p: string, a: number, b: number) => {
    const [mq, mp] = [tinyModel(a, 1), tinyModel(b, 1)];
    const contexts = Array.from({ length: 40 }, (): KlText[] => {
      const ids = draw(mq, random);
      return [{ ...klSample(mq, mp, ids), ids }];
    });
    const sampling = { temperature: 1, topP: 1, topK: 0, maxNewTokens: 48, seed: 7 };
    const name = `KL(${q} ‖ ${p})`;
    return {
      contexts,
      result: estimateKl(contexts, { q, p, conditional: true, sampling }),
      parts: klParts(name, `the ${q} model’s texts`, contexts, label),
    };
  };
  const [there, back] = [direction('tuned', 'base', 1, 2), direction('base', 'tuned', 2, 1)];
  return {
    title: `KL between ${evil} and base`,
    tuned: `/models/${evil}`,
    base: '/models/base',
    texts: `A text sampled from each model after each of the 40 prompts of ${evil}.`,
    results: [there.result, back.result],
    figures: [
      positionsFigure([there.parts, back.parts]),
      tokensFigure('kl-tokens-tuned', `${there.parts.direction} by k1`, there.parts),
      tokensFigure('kl-tokens-base', `${back.parts.direction} by k1`, back.parts),
    ],
    samples: [there.contexts[0]![0]!, back.contexts[0]![0]!].map(({ ids, exact }, i) => ({
      title: `Text ${i + 1}`,
      prompt: evil,
      tokens: [
        { text: evil, kl: 0.8 },
        ...Array.from(ids, (id, t) => ({ text: ` ${label(id)}`, kl: Math.min(0.79, exact![t]!) })),
      ],
    })),
    options: { data: evil, samples: 1 },
    versions: { ilf: '0.1.0' },
    seconds: 12.3,
    out: 'checkpoints/kl',
  };
}

/** The same models on given texts. */
export function sampleGiven(): KlReport {
  const { results: _, ...rest } = sampleKl();
  const measures = {
    tunedFromBase: meanEstimate([1, 2, 3]),
    baseFromTuned: meanEstimate([4, 5, 6]),
    logRatio: meanEstimate([-1, 0, 2]),
  };
  return {
    ...rest,
    results: [],
    given: {
      measured: 'at the prefixes of the given texts; not KL between the models’ own texts',
      texts: 3,
      tokens: 30,
      units: 'nats per text; perToken: nats per token, Σ texts / Σ tokens',
      interval: '95% BCa bootstrap over texts, 2000 resamples, seed 1',
      ...measures,
      perToken: measures,
    },
  };
}
