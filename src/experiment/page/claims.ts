/**
 * What the papers say about summaries, number by number as they were published (Scheurer et al. 2023; rows marked † were read
 * off the authors' notebooks), and what decides here whether it held: a difference that is above 0 where it did. Nothing is
 * adjusted after looking; a claim that fails here stays failed.
 */
import type { Estimate } from '../../bayes/index.js';
import type { Claim, Verdict } from '../../report/charts/figures.js';
import { formatInterval, formatNumber, type Unit } from '../../report/format.js';
import type { Values } from '../values.js';

/** What decides a claim, and our numbers in words. */
interface Evidence {
  difference: Estimate;
  ours: string;
}

export interface ClaimRule {
  id: string;
  /** The section that it stands in. */
  section: string;
  claim: string;
  theirs: string;
  unit: Unit;
  /** What differs here from what was published. */
  note?: string;
  /** The same of the embedded world alone. */
  noteOnBriefs?: string;
  /** Null where it was not measured. */
  decide(values: Values): Evidence | null;
}

/** Best-of-n of a model at the largest n that was measured. */
const heldArm = (values: Values, name: string) =>
  values
    .armsOf('best-of-n')
    .filter((arm) => arm.startsWith(`${name}, `))
    .at(-1) ?? '';

/** RL with the β that the target π_0 exp(r/β)/Z is for. */
function middleRl(values: Values): string {
  const arms = values.armsOf('posterior').filter((arm) => arm.startsWith('RL'));
  return arms[Math.floor(arms.length / 2)] ?? '';
}

/** a − b of one measure, both sides in words. */
const compare =
  (study: string, measure: string, unit: Unit, a: string, b: string) =>
  (values: Values): Evidence | null =>
    values.has(study, a, measure) && values.has(study, b, measure)
      ? {
          difference: values.difference(study, measure, a, b),
          ours: [a, b]
            .map((arm) => `${arm} ${formatNumber(values.estimate(study, arm, measure).value, unit)}`)
            .join(', '),
        }
      : null;

/** A share against a half. */
const above =
  (study: string, measure: string, arm: string) =>
  (values: Values): Evidence | null => {
    if (!values.has(study, arm, measure)) return null;
    const estimate = values.estimate(study, arm, measure);
    const { value, lo, hi, n } = estimate;
    return {
      difference: { value: value - 0.5, lo: lo - 0.5, hi: hi - 0.5, n },
      ours: `${formatNumber(value, 'share')} (${formatInterval(estimate, 'share')})`,
    };
  };

const wins = '% of comparisons with a random refinement of the same context†';

export const claimRules: readonly ClaimRule[] = [
  // Rankers.
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
  // Refinements.
  {
    id: 'no-feedback-initial',
    section: 'refinements',
    claim: 'Refinements without feedback beat the initial output.',
    theirs: '59.4 % won†',
    unit: 'share',
    decide: above('refinements', 'winVsInitial', 'without feedback'),
  },
  {
    id: 'feedback-initial',
    section: 'refinements',
    claim: 'Refinements with feedback, picked at random, beat the initial output.',
    theirs: '63.9 % won†',
    unit: 'share',
    decide: above('refinements', 'winVsInitial', 'with feedback, random pick'),
  },
  {
    id: 'feedback-no-feedback',
    section: 'refinements',
    claim: 'With feedback, refinements are better than without.',
    theirs: '63.9 against 59.4 % won against the initial output†',
    unit: 'share',
    decide: compare('refinements', 'winVsInitial', 'share', 'with feedback, random pick', 'without feedback'),
  },
  {
    id: 'feedback-incorporated',
    section: 'refinements',
    claim: 'Refinements incorporate the feedback that they were given.',
    theirs: '49.6 % with feedback, 30.8 without†',
    unit: 'share',
    decide: compare('refinements', 'incorporated', 'share', 'with feedback, random pick', 'without feedback'),
  },
  {
    id: 'shuffled-incorporated',
    section: 'refinements',
    claim: 'It is this feedback and not any feedback that does it.',
    theirs: 'for code 13.8 against 4.0 % (relevant against shuffled, pass@10); for summaries not published',
    unit: 'share',
    decide: compare(
      'refinements',
      'incorporated',
      'share',
      'with feedback, random pick',
      'with shuffled feedback',
    ),
  },
  {
    id: 'best-of-5-incorporated',
    section: 'refinements',
    claim: 'InstructRM’s best of 5 incorporates the feedback more often than a random one.',
    theirs: '57.4 against 49.6 %†',
    unit: 'share',
    decide: compare(
      'refinements',
      'incorporated',
      'share',
      'with feedback, InstructRM’s pick',
      'with feedback, random pick',
    ),
  },
  {
    id: 'best-of-5-initial',
    section: 'refinements',
    claim: 'InstructRM’s best of 5 wins more often against the initial output than a random one.',
    theirs: '69.1 against 63.9 %†',
    unit: 'share',
    decide: compare(
      'refinements',
      'winVsInitial',
      'share',
      'with feedback, InstructRM’s pick',
      'with feedback, random pick',
    ),
  },
  {
    id: 'human-incorporated',
    section: 'refinements',
    claim: 'Refinements written by people incorporate the feedback more often than the best of 5.',
    theirs: '74.0 against 57.4 %†',
    unit: 'share',
    noteOnBriefs:
      'People here are the writers of the instruction corpus, a program that settles each point with probability 0.8.',
    decide: compare('refinements', 'incorporated', 'share', 'written', 'with feedback, InstructRM’s pick'),
  },
  // What π_θ is finetuned on.
  {
    id: 'ilf-human',
    section: 'targets',
    claim: 'ILF beats supervised finetuning on human summaries.',
    theirs:
      '19.6 / 29.2 / 31.3 against 16.8 / 26.3 / 28.9 % won against human summaries, at 100 / 1K / 5K examples†',
    unit: 'score',
    noteOnBriefs:
      'The references here are complete and without error, which people’s summaries are not; win rates against them are near 0, so mean scores are compared.',
    decide: compare('targets', 'score', 'score', 'ILF', 'gold summaries'),
  },
  {
    id: 'ilf-initial',
    section: 'targets',
    claim: 'ILF beats supervised finetuning on initial outputs.',
    theirs: '19.6 / 29.2 / 31.3 against 19.6 / 25.1 / 27.3 %†',
    unit: 'score',
    decide: compare('targets', 'score', 'score', 'ILF', 'initial outputs'),
  },
  {
    id: 'human-initial',
    section: 'targets',
    claim: 'Supervised finetuning on human summaries beats that on initial outputs.',
    theirs: '16.8 / 26.3 / 28.9 against 19.6 / 25.1 / 27.3 %: behind at 100, ahead at 1K and 5K†',
    unit: 'score',
    decide: compare('targets', 'score', 'score', 'gold summaries', 'initial outputs'),
  },
  {
    id: 'ilf-no-feedback',
    section: 'targets',
    claim: 'ILF beats finetuning on refinements without feedback.',
    theirs: 'a control; not published for summaries',
    unit: 'score',
    decide: compare('targets', 'score', 'score', 'ILF', 'refinements without feedback'),
  },
  {
    id: 'ilf-shuffled',
    section: 'targets',
    claim: 'ILF beats finetuning on refinements with shuffled feedback.',
    theirs: 'a control; not published for summaries',
    unit: 'score',
    decide: compare('targets', 'score', 'score', 'ILF', 'refinements with shuffled feedback'),
  },
  {
    id: 'ilf-random-pick',
    section: 'targets',
    claim: 'Finetuning on InstructRM’s picks beats finetuning on random ones.',
    theirs: 'a control; not published',
    unit: 'score',
    decide: compare('targets', 'score', 'score', 'ILF', 'ILF, random picks'),
  },
  {
    id: 'ilf-feedback-refinement',
    section: 'targets',
    claim: 'ILF beats finetuning on the feedback followed by the refinement.',
    theirs: '36.0 against 26.1 ± 1.8 % won†',
    unit: 'score',
    decide: compare('targets', 'score', 'score', 'ILF', 'feedback, then refinement'),
  },
  {
    id: 'one-epoch',
    section: 'targets',
    claim: 'One epoch is best.',
    theirs: '1 epoch was always best for summaries',
    unit: 'score',
    note: 'Against two epochs; four stand in the table.',
    decide: compare('targets', 'score', 'score', 'ILF', 'ILF, 2 epochs'),
  },
  {
    id: 'ilf-data',
    section: 'sizes',
    claim: 'ILF gets better with more feedback.',
    theirs: '19.6, 29.2, 31.3 % at 100, 1K, 5K†',
    unit: 'score',
    note: 'Most against 100 contexts, or fewest where that is most.',
    decide: (values) => {
      const arms = values.armsOf('sizes').filter((arm) => arm.startsWith('ILF'));
      const most = arms.at(-1) ?? '';
      const fewer = arms.find((arm) => arm.endsWith(' 100') && arm !== most) ?? arms[0] ?? '';
      return compare('sizes', 'score', 'score', most, fewer)(values);
    },
  },
  // Best-of-n.
  {
    id: 'best-of-n-ilf',
    section: 'best-of-n',
    claim: 'Best-of-64 with a reward model beats ILF.',
    theirs: '25.5 / 42.0 / 43.7 against 19.6 / 29.2 / 31.3 %†; 45.1 against 36.0 ± 1.8 in a second ranking',
    unit: 'score',
    decide: (values) =>
      compare('best-of-n', 'score', 'score', heldArm(values, 'π_0'), 'ILF, best of 1')(values),
  },
  {
    id: 'ilf-best-of-n',
    section: 'best-of-n',
    claim: 'ILF and best-of-64 together beat best-of-64 alone.',
    theirs: '50.8 against 45.1 ± 1.8 %†',
    unit: 'score',
    decide: (values) =>
      compare('best-of-n', 'score', 'score', heldArm(values, 'ILF'), heldArm(values, 'π_0'))(values),
  },
  {
    id: 'best-of-n-bound',
    section: 'best-of-n',
    claim: 'KL of best-of-n to the base is at most log n − (n − 1)/n.',
    theirs: 'n = 5: 0.809, 16: 1.835, 64: 3.175 nats',
    unit: 'nats',
    note: 'Bound minus measured KL, at the largest n. It cannot fail: the measure keeps to the bound by its construction. What it shows is the gap, which is made by ties.',
    decide: (values) => {
      const arm = heldArm(values, 'π_0');
      return compare2('best-of-n', 'nats', arm, 'klBound', 'klTunedBase')(values);
    },
  },
  // KL.
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
      decide: compare('kl', measure, 'nats', 'ILF', 'initial outputs'),
    },
    {
      id: `${measure}-initial-human`,
      section: 'kl',
      claim: `Finetuning on initial outputs moves further than on human summaries, by ${name}.`,
      theirs: `${theirs} nats (as above)†`,
      unit: 'nats',
      decide: compare('kl', measure, 'nats', 'initial outputs', 'gold summaries'),
    },
  ]),
  {
    id: 'reverse-forward',
    section: 'kl',
    claim: 'KL(model ‖ base) is larger than KL(base ‖ model) after ILF.',
    theirs: '1.10 against 0.60 nats (unconditional)†',
    unit: 'nats',
    decide: (values) => compare2('kl', 'nats', 'ILF', 'klTunedBase', 'klBaseTuned')(values),
  },
  // The Bayesian view.
  {
    id: 'mode-seeking',
    section: 'frontier',
    claim: 'RL with a KL penalty is closer to its target from the model’s side, KL(π_θ ‖ π*), than ILF.',
    theirs: 'RL minimises KL(π_θ ‖ π*), mode seeking (Korbak et al. 2022); no number',
    unit: 'nats',
    note: 'Target π_0 exp(r/β)/Z of the reward model.',
    decide: (values) => {
      const rl = middleRl(values);
      return compare('posterior', 'klToRewardTarget', 'nats', 'ILF', rl)(values);
    },
  },
  {
    id: 'mass-covering',
    section: 'frontier',
    claim: 'ILF is closer to the posterior from the target’s side, KL(p* ‖ π_θ), than RL.',
    theirs: 'ILF minimises KL(p* ‖ π_θ), mass covering (Scheurer et al. 2023); no number',
    unit: 'nats',
    note: 'Target p(x | c, I = 1); ILF’s picks are not weighed by π_0/π_ψ, so they are not its samples.',
    decide: (values) => {
      const rl = middleRl(values);
      return compare('posterior', 'klFromPosterior', 'nats', rl, 'ILF')(values);
    },
  },
  {
    id: 'ilf-picks',
    section: 'posterior',
    claim: 'ILF brings the model closer to the distribution that its targets come from, KL(p* ‖ π_θ).',
    theirs: 'minimised by ILF, p* taken as that of the refinement picked (Scheurer et al. 2023); no number',
    unit: 'nats',
    note: 'p* is the refiner’s density times how much likelier best-of-5 makes a text, given x0 and feedback.',
    decide: compare('posterior', 'klFromPicks', 'nats', 'base model', 'ILF'),
  },
  // Size.
  {
    id: 'ladder',
    section: 'ladder',
    claim: 'Only larger models use feedback.',
    theirs:
      'exact match when asked to remove named words: 38.5 % for the largest, 8.2, 6.0, at most 2.2 for the smaller ones†',
    unit: 'share',
    note: 'Incorporated with feedback minus with shuffled feedback: largest against smallest rung.',
    decide: (values) => {
      const arms = values.armsOf('ladder');
      return compare('ladder', 'gain', 'share', arms.at(-1) ?? '', arms[0] ?? '')(values);
    },
  },
];

/** a − b of two measures of one arm. */
function compare2(study: string, unit: Unit, arm: string, a: string, b: string) {
  return (values: Values): Evidence | null =>
    values.has(study, arm, a) && values.has(study, arm, b)
      ? {
          difference: values.differenceOfMeasures(study, arm, a, b),
          ours: [a, b]
            .map((measure) => formatNumber(values.estimate(study, arm, measure).value, unit))
            .join(' against '),
        }
      : null;
}

/** Held where the whole interval is above 0, failed where it is below. */
export const verdictOf = ({ lo, hi }: Estimate): Verdict =>
  lo > 0 ? 'held' : hi < 0 ? 'failed' : 'undecided';

/** A rule on the values, of a person's `own` contexts or not; a claim whose studies were not all run is not measured. */
export function judge(
  { decide, section: _, noteOnBriefs, ...rule }: ClaimRule,
  values: Values,
  own = false,
): Claim {
  const claim = { ...rule, note: rule.note ?? (own ? '' : (noteOnBriefs ?? '')) };
  const evidence = decide(values);
  if (evidence === null) return { ...claim, ours: '–', difference: null, verdict: 'not measured' };
  return { ...claim, ...evidence, verdict: verdictOf(evidence.difference) };
}
