/** Rankers, and the reward models among them. */
import { above, type ClaimRule, compare } from './rule.js';

const wins = '% of comparisons with a random refinement of the same context†';

export const rankerClaims: readonly ClaimRule[] = [
  {
    id: 'instruct-rm-random',
    section: 'rankers',
    claim: 'InstructRM’s pick beats a random refinement.',
    theirs: `56.0 ± 2.9 ${wins}`,
    unit: 'share',
    decide: above('rankers', 'winVsRandom', 'InstructRM'),
  },
  {
    id: 'ensemble-single',
    section: 'rankers',
    claim: 'The ensemble of five prompts beats the prompts alone.',
    theirs: '56.0 against 50 to 58 for single prompts†',
    unit: 'share',
    note: 'Against the mean over the five prompts.',
    decide: compare('rankers', 'winVsRandom', 'share', 'InstructRM', 'single prompts, mean'),
  },
  {
    id: 'longest-random',
    section: 'rankers',
    claim: 'The longest refinement beats a random one.',
    theirs: `65.0 ± 2.7 ${wins}`,
    unit: 'share',
    decide: above('rankers', 'winVsRandom', 'longest'),
  },
  {
    id: 'longest-instruct-rm',
    section: 'rankers',
    claim: 'The longest refinement beats InstructRM’s pick.',
    theirs: '65.0 against 56.0†',
    unit: 'share',
    noteOnBriefs:
      'In the papers, length alone explained more than any learned ranker; here padding costs score.',
    decide: compare('rankers', 'winVsRandom', 'share', 'longest', 'InstructRM'),
  },
  {
    id: 'instruct-rm-embedding',
    section: 'rankers',
    claim: 'InstructRM’s pick beats that of embedding similarity.',
    theirs: '56.0 against 48.3†',
    unit: 'share',
    decide: compare('rankers', 'winVsRandom', 'share', 'InstructRM', 'embedding similarity'),
  },
  ...(
    [
      ['reward model, Bradley–Terry', '61.8'],
      ['reward model, Yes/No', '63.3'],
    ] as const
  ).flatMap(([arm, theirs]): ClaimRule[] => [
    {
      id: `${arm.replace(/\W+/g, '-').toLowerCase()}-random`,
      section: 'rankers',
      claim: `The pick of a ${arm} beats a random refinement.`,
      theirs: `${theirs} ${wins}; which of the two forms has which number is not said`,
      unit: 'share',
      decide: above('rankers', 'winVsRandom', arm),
    },
    {
      id: `${arm.replace(/\W+/g, '-').toLowerCase()}-instruct-rm`,
      section: 'rankers',
      claim: `The pick of a ${arm} beats InstructRM’s.`,
      theirs: `${theirs} against 56.0†`,
      unit: 'share',
      decide: compare('rankers', 'winVsRandom', 'share', arm, 'InstructRM'),
    },
  ]),
  {
    id: 'reward-model-data',
    section: 'reward-models',
    claim: 'A reward model gets better with more comparisons.',
    theirs: '53.4 % of 500 comparisons with 100 to learn from, 67.2 with 1K, 73.4 ± 1.9 with 5K†',
    unit: 'share',
    note: 'Most against fewest comparisons, Bradley–Terry.',
    decide: (values) => {
      const arms = values.armsOf('reward-models').filter((arm) => arm.startsWith('Bradley–Terry'));
      return compare('reward-models', 'correct', 'share', arms.at(-1) ?? '', arms[0] ?? '')(values);
    },
  },
];
