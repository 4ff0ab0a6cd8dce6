// Made-up values with the arms and measures of the real studies: tests/cli/experiment.test.ts compares them with a real run.

import { STUDIES, type StudyName } from '../../src/experiment/names.js';
import { rungs } from '../../src/experiment/rungs.js';
import { measuredValue, type ValueRow } from '../../src/experiment/value.js';
import { random } from '../../src/tasks/random.js';
import { armLabelled, measureNamed } from './labels.js';

type Arms = [measures: readonly string[], names: readonly string[]][];

const model = ['score', 'winVsBase', 'winVsGold', 'length', 'klTunedBase', 'klBaseTuned'];
const texts = ['incorporated', 'score', 'length'];
const targetKls = [
  'klFromPosterior',
  'klFromRewardTarget',
  'klFromPicks',
  'essPosterior',
  'essRewardTarget',
  'klToPosterior',
  'klToRewardTarget',
];
const tuned = ['ILF', 'initial outputs', 'gold summaries'];
const rl = ['RL, β = 2', 'RL, β = 0.5', 'RL, β = 0.125'];

const by = (names: readonly string[], between: string, numbers: readonly number[], after = '') =>
  names.flatMap((name) => numbers.map((n) => `${name}${between}${n}${after}`));

/** What each study gives, in its order. */
export const armsOf: Record<StudyName, Arms> = {
  targets: [
    [
      model,
      [
        'base model',
        'ILF',
        'ILF, random picks',
        'ILF, longest picks',
        'posterior-weighted refinements',
        'refinements without feedback',
        'refinements with shuffled feedback',
        'feedback, then refinement',
        'initial outputs',
        'gold summaries',
        'ILF, 2 epochs',
        'ILF, 4 epochs',
      ],
    ],
  ],
  refinements: [
    [
      ['winVsInitial', ...texts],
      [
        'initial outputs',
        'without feedback',
        'with shuffled feedback',
        'with feedback, random pick',
        'with feedback, InstructRM’s pick',
        'written',
      ],
    ],
  ],
  rankers: [
    [
      ['winVsRandom', ...texts],
      [
        'InstructRM',
        ...by(['InstructRM'], ', prompt ', [1, 2, 3, 4, 5]),
        'single prompts, mean',
        'reward model, Bradley–Terry',
        'reward model, Yes/No',
        'embedding similarity',
        'human-likeness',
        'longest',
        'random',
        'oracle',
      ],
    ],
  ],
  'reward-models': [[['correct'], by(['Bradley–Terry', 'Yes/No'], ', ', [100, 300], ' comparisons')]],
  sizes: [[model, by(tuned, ', ', [25, 100, 300])]],
  rounds: [[model, by(['continue', 'retrain'], ', round ', [1, 2])]],
  'best-of-n': [
    [
      ['score', 'winVsBase', 'length', 'klTunedBase', 'klBound'],
      by(['π_0', 'ILF'], ', best of ', [1, 2, 4, 8, 16]),
    ],
  ],
  rl: [[[...model, 'trainingReward', 'trainingKl', 'trainingObjective'], rl]],
  kl: [
    [
      [
        'klTunedBase',
        'klTunedBaseK1',
        'klBaseTuned',
        'klBaseTunedK1',
        'position 1',
        'position 2',
        'position 3',
      ],
      tuned,
    ],
    [by(['token ␣'], '', [1, 2, 3]), ['ILF']],
  ],
  posterior: [
    [
      ['predicted', 'happened'],
      ['InstructRM’s score', 'calibrated'],
    ],
    [['ess'], ['exp(βR), β = 1', 'exp(βR), β = 10', 'exp(βR) π₀, β = 10', 'exp(βR) π₀/q, β = 10']],
    [['logEvidence', 'evidence', 'evidenceOracle'], ['base model']],
    [targetKls, ['base model', 'ILF', 'posterior-weighted refinements', 'gold summaries', ...rl]],
    [
      ['step 0', 'step 3', 'step 5'],
      ['klFromPosterior, change', 'klFromRewardTarget, change', 'klFromPicks, change'],
    ],
  ],
  ladder: [
    [
      ['incorporated', 'incorporatedWithout', 'incorporatedShuffled', 'gain'],
      rungs.slice(0, 2).map(({ name }) => name),
    ],
  ],
};

export type At = Pick<ValueRow, 'seed' | 'study' | 'arm' | 'measure' | 'context'>;

/** In [0, 1), drawn for each value. */
export const drawn = ({ seed, study, arm, measure, context }: At): number =>
  random('made up', seed, study, arm, measure, context).float();

const CONTEXTS = 12;

/** Rows of all studies, each value as it is given for its place. */
export function madeUp(valueAt: (at: At) => number, seeds: readonly number[] = [0, 1]): ValueRow[] {
  const contexts = Array.from({ length: CONTEXTS }, (_, i) => i + 1);
  const idOf = (measure: string) => (i: number) =>
    measure.startsWith('training')
      ? String(i)
      : ['predicted', 'happened'].includes(measure)
        ? `briefs-${i % 4}#${i}`
        : `briefs-${i}`;
  return seeds.flatMap((seed) =>
    STUDIES.flatMap((study) =>
      armsOf[study].flatMap(([measures, names]) =>
        names.flatMap((arm) =>
          measures.flatMap((measure) =>
            contexts.map(idOf(measure)).map((context) => {
              const at = { seed, study, arm, measure, context };
              const given = valueAt(at);
              const value = measure === 'happened' ? Math.round(given) : given;
              const of = measuredValue(armLabelled(study, arm), measureNamed(measure), context, value);
              return { seed, study, ...of };
            }),
          ),
        ),
      ),
    ),
  );
}
