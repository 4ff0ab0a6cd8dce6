/** What π_θ is finetuned on. */
import { type ClaimRule, compare, most } from './rule.js';

export const targetClaims: readonly ClaimRule[] = [
  {
    id: 'ilf-human',
    section: 'targets',
    claim: 'ILF beats supervised finetuning on human summaries.',
    theirs:
      '19.6 / 29.2 / 31.3 against 16.8 / 26.3 / 28.9 % won against human summaries, at 100 / 1K / 5K examples†',
    unit: 'score',
    noteOnBriefs:
      'The references here are complete and without error, which people’s summaries are not; win rates against them are near 0, so mean scores are compared.',
    decide: compare('targets', 'score', 'score', 'ilf', 'gold'),
  },
  {
    id: 'ilf-initial',
    section: 'targets',
    claim: 'ILF beats supervised finetuning on initial outputs.',
    theirs: '19.6 / 29.2 / 31.3 against 19.6 / 25.1 / 27.3 %†',
    unit: 'score',
    decide: compare('targets', 'score', 'score', 'ilf', 'initial'),
  },
  {
    id: 'human-initial',
    section: 'targets',
    claim: 'Supervised finetuning on human summaries beats that on initial outputs.',
    theirs: '16.8 / 26.3 / 28.9 against 19.6 / 25.1 / 27.3 %: behind at 100, ahead at 1K and 5K†',
    unit: 'score',
    decide: compare('targets', 'score', 'score', 'gold', 'initial'),
  },
  {
    id: 'ilf-no-feedback',
    section: 'targets',
    claim: 'ILF beats finetuning on refinements without feedback.',
    theirs: 'a control; not published for summaries',
    unit: 'score',
    decide: compare('targets', 'score', 'score', 'ilf', 'no-feedback'),
  },
  {
    id: 'ilf-shuffled',
    section: 'targets',
    claim: 'ILF beats finetuning on refinements with shuffled feedback.',
    theirs: 'a control; not published for summaries',
    unit: 'score',
    decide: compare('targets', 'score', 'score', 'ilf', 'shuffled-feedback'),
  },
  {
    id: 'ilf-random-pick',
    section: 'targets',
    claim: 'Finetuning on InstructRM’s picks beats finetuning on random ones.',
    theirs: 'a control; not published',
    unit: 'score',
    decide: compare('targets', 'score', 'score', 'ilf', 'ilf-random-picks'),
  },
  {
    id: 'ilf-feedback-refinement',
    section: 'targets',
    claim: 'ILF beats finetuning on the feedback followed by the refinement.',
    theirs: '36.0 against 26.1 ± 1.8 % won†',
    unit: 'score',
    decide: compare('targets', 'score', 'score', 'ilf', 'feedback-refinement'),
  },
  {
    id: 'one-epoch',
    section: 'targets',
    claim: 'One epoch is best.',
    theirs: '1 epoch was always best for summaries',
    unit: 'score',
    note: 'Against two epochs; four stand in the table.',
    decide: compare('targets', 'score', 'score', 'ilf', 'ilf-2-epochs'),
  },
  {
    id: 'ilf-data',
    section: 'sizes',
    claim: 'ILF gets better with more feedback.',
    theirs: '19.6, 29.2, 31.3 % at 100, 1K, 5K†',
    unit: 'score',
    note: 'Most against 100 contexts, or fewest where that is most.',
    decide: compare('sizes', 'score', 'score', most('sizes', 'ILF'), (values) => {
      const all = values.armsOf('sizes', 'ILF');
      const hundred = all.find(({ x }) => x === 100);
      return hundred && hundred !== all.at(-1) ? hundred : all[0];
    }),
  },
];
