/** How far finetuning moves the model. */
import { type ClaimRule, compare, compareMeasures } from './rule.js';

export const klClaims: readonly ClaimRule[] = [
  ...(
    [
      ['klBaseTuned', 'KL(base ‖ model)', '0.60, 0.43, 0.12'],
      ['klTunedBase', 'KL(model ‖ base)', '1.10, 0.83, 0.55'],
    ] as const
  ).flatMap(([measure, name, theirs]): ClaimRule[] => [
    {
      id: `${measure}-ilf-initial`,
      section: 'kl',
      claim: `Finetuning on refinements moves further than on initial outputs, by ${name}.`,
      theirs: `${theirs} nats for refinements, initial outputs, human summaries (unconditional, 64 tokens, k1 of 2000 samples)†`,
      unit: 'nats',
      decide: compare('kl', measure, 'nats', 'ilf', 'initial'),
    },
    {
      id: `${measure}-initial-human`,
      section: 'kl',
      claim: `Finetuning on initial outputs moves further than on human summaries, by ${name}.`,
      theirs: `${theirs} nats (as above)†`,
      unit: 'nats',
      decide: compare('kl', measure, 'nats', 'initial', 'gold'),
    },
  ]),
  {
    id: 'reverse-forward',
    section: 'kl',
    claim: 'KL(model ‖ base) is larger than KL(base ‖ model) after ILF.',
    theirs: '1.10 against 0.60 nats (unconditional)†',
    unit: 'nats',
    decide: compareMeasures('kl', 'nats', 'ilf', 'klTunedBase', 'klBaseTuned'),
  },
];
