import { lines } from '../parts.js';
import type { FindingsOf } from './findings.js';

export const rewardModelsFindings: FindingsOf = (values, own) => ({
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
      series: lines(values, 'reward-models', 'correct'),
    },
  ],
});
