import { reliability } from '../../../bayes/index.js';
import type { Figure } from '../../../report/charts/figures.js';
import { forecastArms } from '../../arms.js';
import type { Values } from '../../values.js';
import { places, table } from '../parts.js';
import type { FindingsOf } from './findings.js';

export const posteriorFindings: FindingsOf = (values, own) => {
  const having = (measure: string) =>
    values.armsOf('posterior').filter(({ id }) => values.has('posterior', id, measure));
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
        having('klFromPosterior'),
      ),
      table(
        values,
        'posterior',
        'Effective sample size of five refinements’ weights',
        '1 is a single refinement, 5 no preference. ILF’s argmax is β → ∞.',
        [['ess', 'effective sample size', 'number']],
        having('ess'),
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
        having('evidence'),
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
          { name: 'posterior p(x | c, I = 1)', arm: 'klFromPosterior-change' },
          { name: 'reward target π_0 exp(r/β)/Z', arm: 'klFromRewardTarget-change' },
          { name: 'picked refinements', arm: 'klFromPicks-change' },
        ].map(({ name, arm }) => ({
          name,
          points: places(values, 'posterior', arm, 'step'),
        })),
      },
    ],
  };
};

const reliabilityFigure = (values: Values): Figure => ({
  id: 'reliability',
  title: 'Is the ranker’s score a probability?',
  caption:
    'Texts of held-out contexts, half π_0’s and half refinements, in ten bins of the same size. On the diagonal, what was predicted comes true as often.',
  kind: 'reliability',
  series: [forecastArms.score, forecastArms.calibrated].map(({ id, label }) => ({
    name: label,
    bins: reliability(values.forecasts('posterior', id)).bins,
  })),
});
