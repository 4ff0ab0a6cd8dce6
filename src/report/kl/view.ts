// A KL estimate as the pages and the terminal show it, with all that it means.
import type { Estimate, KlEstimates, KlResult } from '../../bayes/index.js';
import { formatInterval, formatNumber } from '../format.js';
import type { GivenTexts } from './types.js';

/** Facts, and a row a number; all of it text. */
export interface KlView {
  title: string;
  facts: [name: string, value: string][];
  rows: KlViewRow[];
}

export interface KlViewRow {
  estimator: string;
  sequence: string;
  sequenceInterval: string;
  token: string;
  tokenInterval: string;
}

const estimatorNames: [key: keyof KlEstimates, name: string][] = [
  ['raoBlackwell', 'exact per prefix (Rao–Blackwellised)'],
  ['k1', 'k1 = −log r'],
  ['k2', 'k2 = ½ (log r)², biased'],
  ['k3TokenSum', 'k3, summed over tokens'],
  ['k3', 'k3 of the whole sequence'],
];

export function klView(kl: KlResult): KlView {
  const { temperature, topP, topK, maxNewTokens, seed } = kl.sampling;
  return {
    title: kl.direction,
    facts: [
      ['Direction', `${kl.direction}, from samples of the ${kl.sampledFrom} model`],
      ['Conditional', kl.conditional ? 'yes: a mean over prompts' : 'no: texts without a prompt'],
      [
        'Sampling',
        `temperature ${temperature}, top-p ${topP}, top-k ${topK === 0 ? 'off' : topK}, at most ${maxNewTokens} tokens, seed ${seed}`,
      ],
      [
        'Sample size',
        kl.conditional
          ? `${kl.samples} texts of ${kl.contexts} contexts, ${kl.tokens} tokens`
          : `${kl.samples} texts, ${kl.tokens} tokens`,
      ],
      ['Intervals', kl.interval],
    ],
    rows: estimatorNames.flatMap(([key, estimator]) => row(estimator, kl[key], kl.perToken[key])),
  };
}

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
    rows: names.flatMap(([key, name]) => row(name, given[key], given.perToken[key])),
  };
}

function row(estimator: string, sequence?: Estimate, token?: Estimate): KlViewRow[] {
  if (!sequence || !token) return [];
  return [
    {
      estimator,
      sequence: formatNumber(sequence.value, 'nats'),
      sequenceInterval: formatInterval(sequence, 'nats'),
      token: formatNumber(token.value, 'nats'),
      tokenInterval: formatInterval(token, 'nats'),
    },
  ];
}
