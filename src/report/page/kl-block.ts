// A KL estimate as the pages and the terminal show it, with all that it means; and its template.
import type { Estimate, KlEstimates, KlResult } from '../../bayes/index.js';
import { formatInterval, formatNumber } from '../format.js';

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

export function klView(kl: KlResult & { round?: number }): KlView {
  const { temperature, topP, topK, maxNewTokens, seed } = kl.sampling;
  return {
    title: kl.round === undefined ? kl.direction : `${kl.direction}, round ${kl.round}`,
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
    rows: estimatorNames.flatMap(([key, estimator]) => klRow(estimator, kl[key], kl.perToken[key])),
  };
}

/** One estimate by sequence and by token; nothing where it was not measured. */
export function klRow(estimator: string, sequence?: Estimate, token?: Estimate): KlViewRow[] {
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

/** What the directions and the estimators say. */
export const klMeaning = `<p>KL(a ‖ b) is estimated from texts that a writes. KL(tuned ‖ base) asks what the tuned model says that the base would not: large where tuning added something. KL(base ‖ tuned) asks what the tuned model forgot: large where it stopped saying things. With r the ratio of the second model’s probability to the first’s, k1 = −log r and k3 = (r − 1) − log r are unbiased, k2 = ½ (log r)² is not; the exact-per-prefix estimate (Rao–Blackwellised) sums the whole vocabulary’s divergence at each sampled prefix, and as a rule varies least. The k3 of a whole sequence can have an enormous variance, and then lies below the truth in most samples, its interval too; summed over tokens it is far tamer. Nothing is clamped.</p>`;

/** `kl`: a KlView. */
export const klBlock = `<div class="kl">
<h3><%= kl.title %></h3>
<dl class="facts">
<% for (const [name, value] of kl.facts) { %><dt><%= name %></dt><dd><%= value %></dd>
<% } %></dl>
<div class="scroll"><table>
<thead><tr><th>estimator</th><th class="num">nats per sequence</th><th>interval</th><th class="num">nats per token</th><th>interval</th></tr></thead>
<tbody>
<% for (const row of kl.rows) { %><tr><th scope="row"><%= row.estimator %></th><td class="num"><%= row.sequence %></td><td class="interval"><%= row.sequenceInterval %></td><td class="num"><%= row.token %></td><td class="interval"><%= row.tokenInterval %></td></tr>
<% } %></tbody>
</table></div>
</div>
`;
