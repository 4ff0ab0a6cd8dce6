import type { Estimate } from '../../src/bayes/index.js';
import type { Claim, ExperimentReport, Figure, Verdict } from '../../src/report/charts/figures.js';
import { uniform } from '../bayes/tiny-model.js';

const around = (value: number, half: number, n = 200): Estimate => ({
  value,
  lo: value - half,
  hi: value + half,
  n,
});

/** [label, kind of method, KL in nats, its half interval, mean score, its half interval]. */
const methods: [string, string, number, number, number, number][] = [
  ['π₀', 'base', 0, 0.01, 0.552, 0.021],
  ['SFT on initial outputs', 'finetuned', 0.42, 0.05, 0.571, 0.022],
  ['SFT on gold summaries', 'finetuned', 3.62, 0.31, 0.702, 0.024],
  ['refined without feedback', 'finetuned', 0.71, 0.06, 0.588, 0.022],
  ['shuffled feedback', 'finetuned', 0.94, 0.08, 0.577, 0.021],
  ['feedback, then refinement', 'finetuned', 1.9, 0.15, 0.652, 0.025],
  ['ILF', 'ILF', 1.52, 0.11, 0.731, 0.019],
  ['ILF, posterior', 'ILF', 1.31, 0.1, 0.724, 0.018],
  ['ILF, 3 rounds', 'ILF', 2.61, 0.2, 0.768, 0.019],
  ['best of 4', 'best-of-n', 0.61, 0.02, 0.649, 0.02],
  ['best of 16', 'best-of-n', 1.52, 0.03, 0.711, 0.019],
  ['best of 64', 'best-of-n', 2.71, 0.04, 0.741, 0.02],
  ['ILF + best of 64', 'best-of-n', 3.9, 0.22, 0.803, 0.018],
  ['RL, β = 0.3', 'RL', 0.5, 0.05, 0.641, 0.021],
  ['RL, β = 0.1', 'RL', 1.8, 0.13, 0.706, 0.024],
  ['RL, β = 0.03', 'RL', 5.2, 0.52, 0.69, 0.031],
];

export const frontierFigure: Figure = {
  id: 'frontier',
  kind: 'frontier',
  title: 'Score against distance from the base model',
  caption: 'Up is better, left is nearer to the base model. Bars: intervals; n = 200 contexts, 3 seeds.',
  x: { title: 'KL(model ‖ base), nats per summary', unit: 'nats' },
  y: { title: 'mean score (F1 of facts)', unit: 'score' },
  points: methods.map(([label, series, kl, klHalf, score, half]) => ({
    label,
    series,
    x: around(kl, klHalf),
    y: around(score, half),
  })),
};

export const dotsFigure: Figure = {
  id: 'rankers',
  kind: 'dots',
  title: 'What each ranker picks',
  caption: 'Win rate of the pick against a random refinement of the same post. Bars: intervals.',
  axis: 'win rate against a random refinement',
  unit: 'share',
  rule: { value: 0.5, label: 'chance' },
  points: [
    {
      label: 'InstructRM, ensemble',
      estimate: around(0.612, 0.05),
      theirs: { value: 0.56, lo: 0.531, hi: 0.589 },
    },
    ...[1, 2, 3, 4, 5].map((i) => ({
      label: `InstructRM, prompt ${i}`,
      estimate: around(0.55 + 0.01 * i, 0.05),
      theirs: { value: 0.5 + 0.015 * i },
    })),
    {
      label: 'reward model, Bradley–Terry',
      estimate: around(0.681, 0.04),
      theirs: { value: 0.618, lo: 0.59, hi: 0.646 },
    },
    {
      label: 'reward model, Yes/No answers after the quality prompt',
      estimate: around(0.665, 0.05),
      theirs: { value: 0.633 },
    },
    { label: 'human-likeness', estimate: around(0.53, 0.06) },
    {
      label: 'embedding similarity',
      estimate: around(0.49, 0.05),
      theirs: { value: 0.483, lo: 0.454, hi: 0.512 },
    },
    { label: 'longest', estimate: around(0.58, 0.05), theirs: { value: 0.65, lo: 0.623, hi: 0.677 } },
    { label: 'random', estimate: around(0.5, 0.04), theirs: { value: 0.5 } },
    { label: 'oracle', estimate: around(0.83, 0.03) },
  ],
};

const learning: [string, number[]][] = [
  ['ILF', [0.59, 0.64, 0.69, 0.73]],
  ['SFT on gold summaries', [0.56, 0.6, 0.67, 0.702]],
  ['SFT on initial outputs', [0.553, 0.56, 0.566, 0.571]],
];

export const linesFigure: Figure = {
  id: 'efficiency',
  kind: 'lines',
  title: 'Learning curves',
  caption: 'Mean score of held-out summaries. Bars: intervals, n = 200 contexts, 3 seeds.',
  x: { title: 'feedbacks', log: true },
  y: { title: 'mean score', unit: 'score' },
  rule: { value: 0.552, label: 'base model' },
  series: learning.map(([name, values]) => ({
    name,
    points: [25, 100, 300, 1000].map((x, i) => ({ x, estimate: around(values[i]!, 0.022) })),
  })),
};

export const positionFigure: Figure = {
  id: 'positions',
  kind: 'lines',
  title: 'KL by token position',
  caption: 'Exact KL at every prefix, mean over the summaries that reach it. Bands: intervals.',
  x: { title: 'position in the summary' },
  y: { title: 'nats per token', unit: 'nats' },
  series: ['KL(ILF ‖ base)', 'KL(base ‖ ILF)'].map((name, k) => ({
    name,
    points: Array.from({ length: 32 }, (_, i) => ({
      x: i + 1,
      estimate: around((0.22 - 0.08 * k) * Math.exp(-i / (9 + 5 * k)) + 0.02, 0.008 + 0.0008 * i),
    })),
  })),
};

export const reliabilityFigure: Figure = {
  id: 'reliability',
  kind: 'reliability',
  title: 'Reliability of the ranker',
  caption: 'On held-out refinements. On the dashed line p(good) is how often they were good.',
  series: [
    ['InstructRM as it is', 0.55],
    ['InstructRM, calibrated', 1],
  ].map(([name, slope]) => ({
    name: name as string,
    bins: Array.from({ length: 8 }, (_, i) => {
      const predicted = (i + 0.5) / 8;
      const observed = 0.5 + (slope as number) * (predicted - 0.5) + 0.02 * Math.sin(i * 7);
      return {
        predicted,
        observed: around(observed, 0.05),
        count: 30 + 60 * Math.round(4 * Math.sin((i / 7) * Math.PI)),
      };
    }),
  })),
};

/** A report of made-up numbers, of the size and shape of a real one. */
export function sampleExperiment(): ExperimentReport {
  const random = uniform(3);
  let made = 0;
  const claim = (text: string, theirs: string, ours: string, verdict: Verdict, note = ''): Claim => {
    const size = 0.02 + 0.1 * random();
    const value = { held: 2 * size, failed: -2 * size, undecided: 0.3 * size, 'not measured': 0 }[verdict];
    return {
      id: `c${++made}`,
      claim: text,
      theirs,
      ours,
      difference: verdict === 'not measured' ? null : around(value, size),
      unit: 'share',
      verdict,
      note,
    };
  };
  return {
    title: 'ILF on summaries: published results beside ours',
    command: 'node train.js experiment --seeds 1,2,3 --out bench/results/experiment',
    quick: false,
    seeds: [1, 2, 3],
    contexts: 200,
    judge: 'oracle, F1 of the post’s six facts',
    caveats: [],
    annotator: 'simulated annotator, two points per summary',
    interval: '95% bootstrap over seeds and contexts, 2000 resamples, seed 1',
    sections: [
      {
        id: 'frontier-section',
        title: 'Score against KL, every method',
        text: [
          'Every method moves the model away from π₀ and pays for its score in nats. ILF aims at KL(p* ‖ π), which covers the target’s mass; RL with a KL penalty aims at KL(π ‖ p*), which seeks a mode.',
          'Both KLs are exact at every sampled prefix (Rao–Blackwellised), at temperature 1 and top-p 1.',
        ],
        claims: [
          claim(
            'ILF beats finetuning on initial outputs.',
            '31.3% against 27.3% (5K)',
            '68.0% against 51.2%',
            'held',
          ),
          claim(
            'ILF beats finetuning on human summaries.',
            '31.3% against 28.9% (5K)',
            '68.0% against 64.1%',
            'undecided',
            'Gold summaries of the embedded world are all alike, which makes them easier to learn.',
          ),
          claim(
            'ILF + best-of-64 beats best-of-64 alone.',
            '50.8% against 45.1%',
            '77.0% against 71.9%',
            'held',
          ),
          claim(
            'Feedback followed by the refinement as the completion is worse than ILF.',
            '26.1% against 36.0%',
            '58.0% against 68.0%',
            'held',
          ),
        ],
        tables: [
          {
            title: 'All methods',
            caption: 'Means over 3 seeds; score is of 200 held-out contexts.',
            columns: [
              { name: 'score', unit: 'score' },
              { name: 'win rate against π₀', unit: 'share' },
              { name: 'KL(π ‖ π₀)', unit: 'nats' },
              { name: 'KL(π₀ ‖ π)', unit: 'nats' },
              { name: 'bound' },
            ],
            rows: methods.map(([label, series, kl, klHalf, score, half]) => ({
              label,
              cells: [
                around(score, half),
                around(score - 0.05, half),
                around(kl, klHalf),
                series === 'best-of-n' ? null : around(1.2 * kl, klHalf),
                series === 'best-of-n' ? '≤ 3.175' : null,
              ],
            })),
          },
        ],
        figures: [frontierFigure],
      },
      {
        id: 'rankers-section',
        title: 'Rankers',
        text: ['Each ranker picks one of five refinements of the same post.'],
        claims: [
          claim('The InstructRM ensemble beats a random pick.', '56.0% ± 2.9', '61.2%', 'held'),
          claim('Single prompts are between 50% and 58%.', '50% to 58%', '56% to 60%', 'undecided'),
          claim('Embedding similarity is no better than chance.', '48.3% ± 2.9', '49.0%', 'held'),
          claim(
            'The longest refinement beats every ranker.',
            '65.0% ± 2.7',
            '58.0%',
            'failed',
            'The world’s writer pads refinements without adding facts, so length says less here.',
          ),
          claim('Reward models beat a random pick.', '61.8% and 63.3%', '68.1% and 66.5%', 'held'),
        ],
        tables: [],
        figures: [dotsFigure, reliabilityFigure],
      },
      {
        id: 'refinements-section',
        title: 'Refinements',
        text: ['What the refinement model makes of feedback, against the initial output.'],
        claims: [
          claim(
            'With feedback, refinements beat those without.',
            '63.9% against 59.4%',
            '74.1% against 60.2%',
            'held',
          ),
          claim(
            'Refinements with feedback incorporate it more often.',
            '49.6% against 30.8%',
            '84.0% against 34.2%',
            'held',
          ),
          claim(
            'InstructRM best of 5 beats a random pick.',
            '69.1% against 63.9%',
            '78.3% against 74.1%',
            'held',
          ),
          claim(
            'Human refinements beat the model’s.',
            '83.2% against 69.1%',
            '',
            'not measured',
            'The embedded world has no human refinements.',
          ),
        ],
        tables: [
          {
            title: 'Refinements',
            caption: '',
            columns: [
              { name: 'win rate against x₀', unit: 'share' },
              { name: 'incorporated', unit: 'share' },
              { name: 'published' },
            ],
            rows: [
              { label: 'without feedback', cells: [around(0.602, 0.04), around(0.342, 0.05), '59.4 / 30.8'] },
              { label: 'random pick', cells: [around(0.741, 0.04), around(0.84, 0.03), '63.9 / 49.6'] },
              {
                label: 'InstructRM best of 5',
                cells: [around(0.783, 0.03), around(0.88, 0.03), '69.1 / 57.4'],
              },
              { label: 'human-written', cells: [null, null, '83.2 / 74.0'] },
            ],
          },
        ],
        figures: [],
      },
      {
        id: 'efficiency-section',
        title: 'Sample efficiency',
        text: ['25 to 1,000 feedbacks, one epoch each.'],
        claims: [
          claim('More feedback is better.', '19.6 / 29.2 / 31.3%', '59.0 / 64.0 / 73.0%', 'held'),
          claim(
            'At 100 examples ILF equals SFT on initial outputs.',
            '19.6% and 19.6%',
            '64.0% and 56.0%',
            'failed',
            'ILF is already ahead here.',
          ),
          claim('ILF beats SFT on human summaries at every size.', '19.6 / 16.8%', '59.0 / 56.0%', 'held'),
        ],
        tables: [],
        figures: [linesFigure],
      },
      {
        id: 'kl-section',
        title: 'KL',
        text: ['Unconditional texts of 64 tokens, 2000 samples.'],
        claims: [
          claim(
            'KL(model ‖ base) is larger than KL(base ‖ model) after ILF.',
            '1.10 against 0.60 nats',
            '1.52 against 1.21 nats',
            'held',
          ),
          claim(
            'SFT on human summaries moves the model least.',
            '0.55 nats',
            '3.62 nats',
            'failed',
            'Gold summaries are far from what π₀ writes.',
          ),
        ],
        tables: [],
        figures: [positionFigure],
      },
      {
        id: 'reward-section',
        title: 'Reward models',
        text: [],
        claims: [
          claim('Accuracy grows with comparisons.', '53.4 / 67.2 / 73.4%', '55.1 / 66.0 / 72.8%', 'held'),
          claim('100 comparisons are hardly better than chance.', '53.4%', '55.1%', 'held'),
        ],
        tables: [],
        figures: [],
      },
      {
        id: 'sizes-section',
        title: 'Model sizes',
        text: ['A ladder of sizes shows where using feedback begins.'],
        claims: [
          claim(
            'Only the largest model uses feedback.',
            '38.5, 8.2, 6.0, ≤ 2.2%',
            '',
            'not measured',
            'One size was trained in this run.',
          ),
          claim('Small models do not use feedback at all.', '≤ 2.2%', '3.0%', 'undecided'),
        ],
        tables: [],
        figures: [],
      },
      {
        id: 'bayes-section',
        title: 'The Bayesian view',
        text: ['The posterior over five refinements, with prior and proposal terms.'],
        claims: [
          claim(
            'Posterior-weighted finetuning is not worse than the argmax.',
            'beyond the papers',
            '0.724 against 0.731',
            'undecided',
          ),
          claim('Best-of-n stays below log n − (n − 1)/n.', '3.175 nats at n = 64', '2.71 nats', 'held'),
          claim('KL(p* ‖ π) falls along training.', 'beyond the papers', '2.4 → 1.1 nats', 'held'),
        ],
        tables: [],
        figures: [],
      },
    ],
    options: {
      base: 'models/base',
      rounds: 1,
      n: 5,
      temperature: 1,
      quick: false,
      ranker: 'instruct-rm',
      limit: null,
    },
    versions: { ilf: '0.1.0', node: 'v20.19.0', engine: 'cpu (AVX2)' },
    seconds: 9870,
  };
}
