// The measures on given texts as the page and the terminal show them.
import { type KlView, klRow } from '../page/kl-block.js';
import type { GivenTexts } from './types.js';

export function givenView(given: GivenTexts): KlView {
  const names = [
    ['tunedFromBase', 'exact KL(tuned ‖ base) at the prefixes'],
    ['baseFromTuned', 'exact KL(base ‖ tuned) at the prefixes'],
    ['logRatio', 'log-likelihood ratio, log tuned − log base'],
  ] as const;
  return {
    title: 'On the given texts',
    facts: [
      ['Measured', given.measured],
      ['Sampling', 'none: each text is read as it was given, token by token'],
      ['Sample size', `${given.texts} texts, ${given.tokens} tokens`],
      ['Intervals', given.interval],
    ],
    rows: names.flatMap(([key, name]) => klRow(name, given[key], given.perToken[key])),
  };
}
