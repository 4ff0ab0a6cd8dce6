/** Rankers, and the reward models among them. */
import { rankerArms } from '../../arms.js';
import { above, type ClaimRule, compare, least, most } from './rule.js';

const wins = '% of comparisons with a random refinement of the same context†';

export const rankerClaims: readonly ClaimRule[] = [
  {
    id: 'instruct-rm-random',
    section: 'rankers',
    claim: 'InstructRM’s pick beats a random refinement.',
    theirs: `56.0 ± 2.9 ${wins}`,
    unit: 'share',
    decide: above('rankers', 'winVsRandom', 'instruct-rm'),
  },
  {
    id: 'ensemble-single',
    section: 'rankers',
    claim: 'The ensemble of five prompts beats the prompts alone.',
    theirs: '56.0 against 50 to 58 for single prompts†',
    unit: 'share',
    note: 'Against the mean over the five prompts.',
    decide: compare('rankers', 'winVsRandom', 'share', 'instruct-rm', 'single-prompts'),
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
    decide: compare('rankers', 'winVsRandom', 'share', 'longest', 'instruct-rm'),
  },
  {
    id: 'instruct-rm-embedding',
    section: 'rankers',
    claim: 'InstructRM’s pick beats that of embedding similarity.',
    theirs: '56.0 against 48.3†',
    unit: 'share',
    decide: compare('rankers', 'winVsRandom', 'share', 'instruct-rm', 'embedding-similarity'),
  },
  ...(
    [
      [rankerArms.bradleyTerry, '61.8'],
      [rankerArms.yesNo, '63.3'],
    ] as const
  ).flatMap(([{ id, label }, theirs]): ClaimRule[] => [
    {
      id: `${id}-random`,
      section: 'rankers',
      claim: `The pick of a ${label} beats a random refinement.`,
      theirs: `${theirs} ${wins}; which of the two forms has which number is not said`,
      unit: 'share',
      decide: above('rankers', 'winVsRandom', id),
    },
    {
      id: `${id}-instruct-rm`,
      section: 'rankers',
      claim: `The pick of a ${label} beats InstructRM’s.`,
      theirs: `${theirs} against 56.0†`,
      unit: 'share',
      decide: compare('rankers', 'winVsRandom', 'share', id, 'instruct-rm'),
    },
  ]),
  {
    id: 'reward-model-data',
    section: 'reward-models',
    claim: 'A reward model gets better with more comparisons.',
    theirs: '53.4 % of 500 comparisons with 100 to learn from, 67.2 with 1K, 73.4 ± 1.9 with 5K†',
    unit: 'share',
    note: 'Most against fewest comparisons, Bradley–Terry.',
    decide: compare(
      'reward-models',
      'correct',
      'share',
      most('reward-models', 'Bradley–Terry'),
      least('reward-models', 'Bradley–Terry'),
    ),
  },
];
