/** Refinements. */
import { above, type ClaimRule, compare } from './rule.js';

export const refinementClaims: readonly ClaimRule[] = [
  {
    id: 'no-feedback-initial',
    section: 'refinements',
    claim: 'Refinements without feedback beat the initial output.',
    theirs: '59.4 % won†',
    unit: 'share',
    decide: above('refinements', 'winVsInitial', 'no-feedback'),
  },
  {
    id: 'feedback-initial',
    section: 'refinements',
    claim: 'Refinements with feedback, picked at random, beat the initial output.',
    theirs: '63.9 % won†',
    unit: 'share',
    decide: above('refinements', 'winVsInitial', 'random-pick'),
  },
  {
    id: 'feedback-no-feedback',
    section: 'refinements',
    claim: 'With feedback, refinements are better than without.',
    theirs: '63.9 against 59.4 % won against the initial output†',
    unit: 'share',
    decide: compare('refinements', 'winVsInitial', 'share', 'random-pick', 'no-feedback'),
  },
  {
    id: 'feedback-incorporated',
    section: 'refinements',
    claim: 'Refinements incorporate the feedback that they were given.',
    theirs: '49.6 % with feedback, 30.8 without†',
    unit: 'share',
    decide: compare('refinements', 'incorporated', 'share', 'random-pick', 'no-feedback'),
  },
  {
    id: 'shuffled-incorporated',
    section: 'refinements',
    claim: 'It is this feedback and not any feedback that does it.',
    theirs: 'for code 13.8 against 4.0 % (relevant against shuffled, pass@10); for summaries not published',
    unit: 'share',
    decide: compare('refinements', 'incorporated', 'share', 'random-pick', 'shuffled-feedback'),
  },
  {
    id: 'best-of-5-incorporated',
    section: 'refinements',
    claim: 'InstructRM’s best of 5 incorporates the feedback more often than a random one.',
    theirs: '57.4 against 49.6 %†',
    unit: 'share',
    decide: compare('refinements', 'incorporated', 'share', 'pick', 'random-pick'),
  },
  {
    id: 'best-of-5-initial',
    section: 'refinements',
    claim: 'InstructRM’s best of 5 wins more often against the initial output than a random one.',
    theirs: '69.1 against 63.9 %†',
    unit: 'share',
    decide: compare('refinements', 'winVsInitial', 'share', 'pick', 'random-pick'),
  },
  {
    id: 'human-incorporated',
    section: 'refinements',
    claim: 'Reference refinements incorporate the feedback more often than the best of 5.',
    theirs: 'people’s: 74.0 against 57.4 %†',
    unit: 'share',
    noteOnBriefs:
      'No person wrote these: they are the instruction corpus’s, by a program that settles each point with probability 0.8.',
    decide: compare('refinements', 'incorporated', 'share', 'written', 'pick'),
  },
];
