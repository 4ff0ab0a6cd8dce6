/** The page's sections: what each study says in figures and tables, made from its values alone. */
import { reliability } from '../../bayes/index.js';
import type { Figure, Section } from '../../report/charts/figures.js';
import type { Unit } from '../../report/format.js';
import type { StudyName } from '../names.js';
import type { Values } from '../values.js';
import { dots, lines, share, table } from './parts.js';

/** A section without its claims. */
export type Findings = Omit<Section, 'claims'>;

const SCORE = 'mean score';
const KL_TO_BASE = 'KL(model ‖ base), nats a text';

const modelMeasures = [
  ['score', 'score', 'score'],
  ['winVsBase', 'won against base', 'share'],
  ['winVsGold', 'won against gold', 'share'],
  ['klTunedBase', 'KL(model ‖ base)', 'nats'],
  ['klBaseTuned', 'KL(base ‖ model)', 'nats'],
  ['length', 'characters', 'number'],
] as const satisfies [string, string, Unit][];

/** What kind of method an arm is, for the frontier. */
const families: [series: string, study: StudyName, arms: RegExp][] = [
  ['ILF', 'targets', /^(ILF|ILF, (random|longest) picks|ILF, \d epochs|posterior-weighted refinements)$/],
  ['supervised', 'targets', /^(initial outputs|gold summaries)$/],
  ['controls', 'targets', /^refinements /],
  ['best-of-n', 'best-of-n', /^π_0/],
  ['ILF + best-of-n', 'best-of-n', /^ILF/],
  ['RL, KL penalty', 'rl', /^RL/],
];

export function frontier(values: Values): Findings {
  const points = families.flatMap(([series, study, arms]) =>
    values
      .armsOf(study)
      .filter((arm) => arms.test(arm))
      .map((label) => ({
        label: label.replace(/^π_0, /, ''),
        series,
        x: values.estimate(study, label, 'klTunedBase'),
        y: values.estimate(study, label, 'score'),
      })),
  );
  return {
    id: 'frontier',
    title: 'What each method reached, and how far it went for it',
    text: [
      'Both sides of the Bayesian view on one frontier. ILF and supervised learning minimise KL(target ‖ π_θ), which covers the target’s mass; RL with a KL penalty minimises KL(π_θ ‖ target), which seeks its modes; best-of-n moves no weights and pays at every output. All are measured by the same scores, and by the same exact KL at every prefix of texts that each model itself writes at temperature 1.',
    ],
    tables: [],
    figures: [
      {
        id: 'frontier',
        title: 'Score against distance from the base model',
        caption: `Left is nearer to the base model, up is better. Bars: intervals both ways. Best-of-n’s KL is measured from the ranks of its samples. “Feedback, then refinement” is left out: what it writes before its summary is far from all that the base model would write, which would squeeze the axis; it stands in the table of targets.`,
        kind: 'frontier',
        x: { title: KL_TO_BASE, unit: 'nats' },
        y: { title: SCORE, unit: 'score' },
        points,
      },
    ],
  };
}

/** What an RL training reports of itself. */
const RL_CURVES: { measure: string; title: string; caption: string; y: { title: string; unit: Unit } }[] = [
  {
    measure: 'trainingReward',
    title: 'Reward while training',
    caption: '',
    y: { title: 'reward, nats of log-odds', unit: 'number' },
  },
  {
    measure: 'trainingKl',
    title: 'KL while training',
    caption: '',
    y: { title: 'k1 estimate of KL(π_θ ‖ π_0), nats', unit: 'nats' },
  },
  {
    measure: 'trainingObjective',
    title: 'RL’s objective while training',
    caption:
      ' r/β − KL(π_θ ‖ π_0) = log Z − KL(π_θ ‖ π_0 exp(r/β)/Z): by what it rises, the model has come closer to the reward target.',
    y: { title: 'r/β − KL(π_θ ‖ π_0), nats', unit: 'nats' },
  },
];

/** `own`: of a person's own contexts, about which less is known than about the embedded world. */
const makers: Record<StudyName, (values: Values, own: boolean) => Findings> = {
  targets: (values, own) => ({
    id: 'targets',
    title: 'What the model is finetuned on',
    text: [
      'One model of each kind, tuned on the same contexts with the same settings; only the texts differ. “Gold summaries” stand for the papers’ human summaries.',
      own
        ? 'Scores are likeness to them, so that nothing can beat them here.'
        : 'They are complete and without error here, which people’s are not, so that win rates against them are near nothing and mean scores are compared instead.',
    ],
    tables: [
      table(
        values,
        'targets',
        'Models by their targets',
        'Held-out contexts; several texts of each model.',
        modelMeasures,
      ),
    ],
    figures: [
      ...dots(values, 'targets', 'score', { title: 'Mean score by target', axis: SCORE, unit: 'score' }),
    ],
  }),
  refinements: (values, own) => ({
    id: 'refinements',
    title: 'Refinements',
    text: [
      'Refinements of the held-out contexts’ initial outputs.',
      own
        ? 'Nobody knows of these contexts what a text says: whether feedback was incorporated is not measured.'
        : '“Written” are refinements as the writers of the instruction corpus write them, a program that follows each point of feedback with probability 0.8; they stand for people’s.',
    ],
    tables: [
      table(values, 'refinements', 'Refinements', 'A random pick is the mean over all candidates.', [
        ['winVsInitial', 'won against initial', 'share'],
        ['incorporated', 'incorporated', 'share'],
        ['score', 'score', 'score'],
        ['length', 'characters', 'number'],
      ]),
    ],
    figures: [
      ...dots(
        values,
        'refinements',
        'winVsInitial',
        {
          title: 'Refinements against the initial output',
          axis: 'share won against the initial output',
          unit: 'share',
          rule: { value: 0.5, label: 'draw' },
        },
        {
          'without feedback': share(59.4),
          'with feedback, random pick': share(63.9),
          'with feedback, InstructRM’s pick': share(69.1),
          written: share(83.2),
        },
        values.armsOf('refinements').filter((arm) => arm !== 'initial outputs'),
      ),
      ...dots(
        values,
        'refinements',
        'incorporated',
        { title: 'Feedback incorporated', axis: 'share that incorporates the feedback', unit: 'share' },
        {
          'without feedback': share(30.8),
          'with feedback, random pick': share(49.6),
          'with feedback, InstructRM’s pick': share(57.4),
          written: share(74.0),
        },
      ),
    ],
  }),
  rankers: (values, own) => ({
    id: 'rankers',
    title: 'Rankers',
    text: [
      `Every ranker picks one of the same five refinements of each held-out context. Length is a control that every ranker has to be held against; “oracle” is the pick with the highest ${own ? 'likeness to the reference' : 'score'}, the most that could be had.`,
    ],
    tables: [
      table(
        values,
        'rankers',
        'Picks',
        'Won against a random refinement of the same context, ties as half.',
        [
          ['winVsRandom', 'won against random', 'share'],
          ['score', 'score', 'score'],
          ['incorporated', 'incorporated', 'share'],
          ['length', 'characters', 'number'],
        ],
      ),
    ],
    figures: [
      ...dots(
        values,
        'rankers',
        'winVsRandom',
        {
          title: 'What rankers pick',
          axis: 'share won against a random refinement',
          unit: 'share',
          rule: { value: 0.5, label: 'chance' },
        },
        {
          InstructRM: share(56.0, 2.9),
          longest: share(65.0, 2.7),
          'embedding similarity': share(48.3, 2.9),
          'reward model, Bradley–Terry': share(61.8),
          'reward model, Yes/No': share(63.3),
        },
      ),
    ],
  }),
  'reward-models': (values, own) => ({
    id: 'reward-models',
    title: 'Reward models',
    text: [
      own
        ? 'Trained on comparisons of two of the base model’s outputs for the contexts that are learned from, the one that is more like the reference being preferred; measured on such comparisons for the held-out contexts.'
        : 'Trained on comparisons of two of the base model’s outputs by the simulated annotator, who errs in one of ten and decides equals by lot; measured on comparisons of other contexts, against the same noisy answers.',
    ],
    tables: [],
    figures: [
      {
        id: 'reward-model-accuracy',
        title: 'Accuracy by the number of comparisons',
        caption: 'Published: 53.4% with 100, 67.2% with 1,000, 73.4% with 5,000 comparisons.',
        kind: 'lines',
        x: { title: 'comparisons to learn from', log: true },
        y: { title: 'share of held-out comparisons in order', unit: 'share' },
        rule: { value: 0.5, label: 'chance' },
        series: lines(values, 'reward-models', 'correct', /^(.*), (\d+) comparisons$/),
      },
    ],
  }),
  sizes: (values) => ({
    id: 'sizes',
    title: 'Sample efficiency',
    text: ['The same models by the number of contexts that they learn from.'],
    tables: [table(values, 'sizes', 'By the number of contexts', '', modelMeasures)],
    figures: [
      {
        id: 'sizes-score',
        title: 'Score by the number of contexts',
        caption: '',
        kind: 'lines',
        x: { title: 'contexts to learn from', log: true },
        y: { title: SCORE, unit: 'score' },
        series: lines(values, 'sizes', 'score', /^(.*), (\d+)$/),
      },
      {
        id: 'sizes-kl',
        title: 'Distance by the number of contexts',
        caption: '',
        kind: 'lines',
        x: { title: 'contexts to learn from', log: true },
        y: { title: KL_TO_BASE, unit: 'nats' },
        series: lines(values, 'sizes', 'klTunedBase', /^(.*), (\d+)$/),
      },
    ],
  }),
  rounds: (values) => ({
    id: 'rounds',
    title: 'Rounds',
    text: [
      'The same number of contexts in all, divided into rounds whose initial outputs come from the last round’s model. “Continue” tunes that model on the round’s targets; “retrain” tunes the base model on those of all rounds so far.',
    ],
    tables: [table(values, 'rounds', 'Models after each round', '', modelMeasures)],
    figures: [
      {
        id: 'rounds-score',
        title: 'Score by round',
        caption: '',
        kind: 'lines',
        x: { title: 'round' },
        y: { title: SCORE, unit: 'score' },
        series: lines(values, 'rounds', 'score', /^(.*), round (\d+)$/),
      },
    ],
  }),
  'best-of-n': (values) => ({
    id: 'best-of-n',
    title: 'Best-of-n',
    text: [
      'Of n samples the one with the highest reward (Bradley–Terry). Expectations over all n-subsets of the samples; KL from the exact distribution of the pick over their ranks, beside the bound log n − (n − 1)/n, which ties keep it below.',
    ],
    tables: [
      table(values, 'best-of-n', 'Best-of-n', '', [
        ['score', 'score', 'score'],
        ['winVsBase', 'won against base', 'share'],
        ['klTunedBase', 'KL(picked ‖ base)', 'nats'],
        ['klBound', 'bound', 'nats'],
        ['length', 'characters', 'number'],
      ]),
    ],
    figures: [
      {
        id: 'best-of-n-score',
        title: 'Score of the pick by n',
        caption: '',
        kind: 'lines',
        x: { title: 'n', log: true },
        y: { title: SCORE, unit: 'score' },
        series: lines(values, 'best-of-n', 'score', /^(.*), best of (\d+)$/),
      },
      {
        id: 'best-of-n-kl',
        title: 'KL of best-of-n: measured, and the bound',
        caption: '',
        kind: 'lines',
        x: { title: 'n', log: true },
        y: { title: 'KL to the base model, nats', unit: 'nats' },
        series: [
          ...lines(values, 'best-of-n', 'klTunedBase', /^(π_0), best of (\d+)$/).map((of) => ({
            ...of,
            name: 'measured',
          })),
          ...lines(values, 'best-of-n', 'klBound', /^(π_0), best of (\d+)$/).map((of) => ({
            ...of,
            name: 'bound',
          })),
        ],
      },
    ],
  }),
  rl: (values) => ({
    id: 'rl',
    title: 'RL with a KL penalty',
    text: [
      'RLOO on the same contexts with the same reward model: rewards r − β (log π_θ − log π_0) against the mean of the other samples of the context. The optimum is π_0 exp(r/β)/Z.',
    ],
    tables: [table(values, 'rl', 'Models by β', 'β in reward per nat.', modelMeasures)],
    figures: RL_CURVES.map(({ measure, title, caption, y }) => ({
      id: `rl-${measure}`,
      title,
      caption: `Mean over each step’s samples and all seeds.${caption}`,
      kind: 'lines',
      x: { title: 'step' },
      y,
      series: values.armsOf('rl').map((name) => ({
        name,
        points: values.course('rl', name, measure).map(([x, estimate]) => ({ x, estimate })),
      })),
    })),
  }),
  kl: (values) => ({
    id: 'kl',
    title: 'How far finetuning moves the model',
    text: [
      'As the papers measured it: texts of 64 tokens that continue nothing. Rao–Blackwellised, and by k1, the papers’ estimator, whose scatter is the reason that theirs differ from run to run. The other tables’ KLs are conditional on held-out prompts.',
    ],
    tables: [
      table(values, 'kl', 'Unconditional KL, nats a text', 'Texts of at most 64 tokens at temperature 1.', [
        ['klTunedBase', 'KL(model ‖ base)', 'nats'],
        ['klTunedBaseK1', 'the same by k1', 'nats'],
        ['klBaseTuned', 'KL(base ‖ model)', 'nats'],
        ['klBaseTunedK1', 'the same by k1', 'nats'],
      ]),
    ],
    figures: [
      {
        id: 'kl-position',
        title: 'Where in a text the KL is',
        caption:
          'Exact KL(model ‖ base) at each position, given held-out prompts; texts that have ended count 0. Summed over positions: the KL of a text.',
        kind: 'lines',
        x: { title: 'token of the text' },
        y: { title: 'KL, nats', unit: 'nats' },
        series: values.armsOf('kl').map((name) => ({
          name,
          points: values
            .measuresOf('kl', name)
            .filter((measure) => measure.startsWith('position '))
            .map((measure) => ({
              x: Number(measure.slice(9)),
              estimate: values.estimate('kl', name, measure),
            })),
        })),
      },
      ...tokensFigure(values),
    ],
  }),
  posterior: (values, own) => {
    const models = values
      .armsOf('posterior')
      .filter((arm) => values.has('posterior', arm, 'klFromPosterior'));
    const weighted = values.armsOf('posterior').filter((arm) => values.has('posterior', arm, 'ess'));
    return {
      id: 'posterior',
      title: 'The Bayesian view',
      text: [
        `Prior π_0, likelihood P(I = 1 | x, c) from InstructRM, ${own ? 'its score as it is, since nobody can say here what came true' : 'calibrated by Platt scaling on contexts of its own'}: I is the event that a text incorporates the feedback. The posterior is p(x | c, I = 1) ∝ π_0(x | c) P(I = 1 | x, c), its normaliser the evidence. RL’s target has the same form with exp(r/β) for a likelihood. KLs from a target are self-normalised from the same texts for all models, of each context up to 32 samples of π_0 and as many refinements, weighed as samples of their even mixture; KLs to it are from 16 samples of the model. They are biased by the finite samples, alike for all models, and nothing is clamped: where the effective sample size, which stands beside them, is near 1, they say little.`,
        'What ILF is trained on is neither target: it is the best of five refinements by InstructRM, from a refiner that has seen x0 and the feedback, without the ratio π_0/π_ψ that would make them samples of the posterior. Its distribution has a column of its own, with the refiner’s density times how much likelier picking makes a text. A model that sees c alone cannot reach it; training on picks lowers the KL from it, whatever becomes of the others.',
      ],
      tables: [
        table(
          values,
          'posterior',
          'Distance of each model from both targets, nats a text',
          'KL(target ‖ model) is what ILF minimises, KL(model ‖ target) what RL minimises.',
          [
            ['klFromPosterior', 'KL(posterior ‖ model)', 'nats'],
            ['klToPosterior', 'KL(model ‖ posterior)', 'nats'],
            ['klFromRewardTarget', 'KL(reward target ‖ model)', 'nats'],
            ['klToRewardTarget', 'KL(model ‖ reward target)', 'nats'],
            ['klFromPicks', 'KL(picked refinements ‖ model)', 'nats'],
            ['essPosterior', 'samples that the posterior is worth', 'number'],
            ['essRewardTarget', 'the same of the reward target', 'number'],
          ],
          models,
        ),
        table(
          values,
          'posterior',
          'Effective sample size of five refinements’ weights',
          '1 is a single refinement, 5 no preference. ILF’s argmax is β → ∞.',
          [['ess', 'effective sample size', 'number']],
          weighted,
        ),
        table(
          values,
          'posterior',
          'Evidence',
          'How likely π_0’s text incorporates the feedback, p(I = 1 | c), mean over contexts: by the judge’s likelihood, and by the oracle’s where there is one.',
          [
            ['evidence', 'by the judge', 'share'],
            ['evidenceOracle', 'by the oracle', 'share'],
            ['logEvidence', 'mean log p(I = 1 | c), by the judge', 'nats'],
          ],
          ['base model'],
        ),
      ],
      figures: [
        ...(own ? [] : [reliabilityFigure(values)]),
        {
          id: 'kl-along',
          title: 'What ILF’s training moves towards',
          caption:
            'By how much the KL from each target to the model changed since the first step. Below 0, the model has come closer to the target.',
          kind: 'lines',
          x: { title: 'step' },
          y: { title: 'change of KL(target ‖ model), nats a text', unit: 'nats' },
          rule: { value: 0, label: 'π_0' },
          series: [
            { name: 'posterior p(x | c, I = 1)', arm: 'klFromPosterior, change' },
            { name: 'reward target π_0 exp(r/β)/Z', arm: 'klFromRewardTarget, change' },
            { name: 'picked refinements', arm: 'klFromPicks, change' },
          ].map(({ name, arm }) => ({
            name,
            points: values.measuresOf('posterior', arm).map((measure) => ({
              x: Number(measure.slice(5)),
              estimate: values.estimate('posterior', arm, measure),
            })),
          })),
        },
      ],
    };
  },
  ladder: (values) => ({
    id: 'ladder',
    title: 'At what size feedback begins to be used',
    text: [
      'Refiners of growing size (layers × width), trained from nothing on the same examples of the instruction corpus. A model that uses feedback incorporates more of it when told it than when told another context’s.',
    ],
    tables: [
      table(values, 'ladder', 'Share of refinements that incorporate the feedback', '', [
        ['incorporated', 'with it', 'share'],
        ['incorporatedWithout', 'without feedback', 'share'],
        ['incorporatedShuffled', 'with shuffled feedback', 'share'],
        ['gain', 'with minus shuffled', 'share'],
      ]),
    ],
    figures: [
      ...dots(values, 'ladder', 'gain', {
        title: 'Use of feedback by size',
        axis: 'incorporated: with minus with shuffled feedback',
        unit: 'share',
        rule: { value: 0, label: 'no use of feedback' },
      }),
    ],
  }),
};

const reliabilityFigure = (values: Values): Figure => ({
  id: 'reliability',
  title: 'Is the ranker’s score a probability?',
  caption:
    'Texts of held-out contexts, half π_0’s and half refinements, in ten bins of the same size. On the diagonal, what was predicted comes true as often.',
  kind: 'reliability',
  series: ['InstructRM’s score', 'calibrated'].map((name) => ({
    name,
    bins: reliability(values.forecasts('posterior', name)).bins,
  })),
});

/** Tokens that are shown, of those that were among the largest contributions with every seed. */
const TOKENS = 12;

/** The tokens that carry most of ILF's KL, where the same ones do with every seed. */
function tokensFigure(values: Values): Figure[] {
  const seeds = values.has('kl', 'ILF', 'klTunedBase') ? values.matrix('kl', 'ILF', 'klTunedBase').length : 0;
  const points = values
    .measuresOf('kl', 'ILF')
    .filter((of) => of.startsWith('token ') && values.matrix('kl', 'ILF', of).length === seeds)
    .map((of) => ({ label: of.slice(6), estimate: values.estimate('kl', 'ILF', of) }))
    .sort((a, b) => Math.abs(b.estimate.value) - Math.abs(a.estimate.value))
    .slice(0, TOKENS);
  if (points.length === 0) return [];
  const caption =
    'Each token’s part of KL(ILF ‖ base) by k1, on ILF’s texts given held-out prompts: the largest of either sign (␣ is a space). That these are the largest is not accounted for in their intervals.';
  const title = 'Tokens that carry most of ILF’s KL';
  return [{ id: 'kl-tokens', title, caption, kind: 'dots', axis: 'nats a text', unit: 'nats', points }];
}

export const findingsOf = (study: StudyName, values: Values, own: boolean): Findings =>
  makers[study](values, own);
