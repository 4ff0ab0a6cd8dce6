import type { Unit } from '../../../report/format.js';
import { table } from '../parts.js';
import { type FindingsOf, modelMeasures } from './findings.js';

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

export const rlFindings: FindingsOf = (values) => ({
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
    series: values.armsOf('rl').map(({ id, label }) => ({
      name: label,
      points: values.course('rl', id, measure).map(([x, estimate]) => ({ x, estimate })),
    })),
  })),
});
