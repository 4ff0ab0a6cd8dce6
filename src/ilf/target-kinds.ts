/**
 * What π_θ may be finetuned on. ILF learns the refinement that the ranker picked; the others are its controls and baselines, and one
 * goes beyond the papers: all refinements, weighted by the posterior.
 */

import { posteriorWeights } from '../bayes/posterior.js';
import { posteriorTerms } from '../measure/posterior.js';
import { feedbackThenOutput, type OutputFormat } from '../pipeline/policy.js';
import type { RefinementRow, ScoreRow } from '../pipeline/tables.js';
import { UserError } from '../store/errors.js';
import type { Prompts } from '../tasks/prompts.js';
import { random } from '../tasks/random.js';
import { type Context, contextName } from '../tasks/task.js';
import { given, type Written } from '../writers/writer.js';
import type { FeedbackCondition } from './refine.js';

/** All that is known of a context; what a kind does not read may be absent or empty. */
export interface ContextRows {
  context: Context;
  initial: Written | undefined;
  feedback: string | undefined;
  refinements: readonly RefinementRow[];
  scores: readonly ScoreRow[];
}

export interface Weighted {
  written: Written;
  /** Of its loss; a context's weights sum to 1. */
  weight: number;
}

export type TargetTable = 'initial' | 'feedback' | 'refinements' | 'scores';

export interface TargetKind {
  name: string;
  /** One line, for --help. */
  help: string;
  /** The tables that it is made from, and those that these are made from. */
  tables: readonly TargetTable[];
  /** What the refiner is told where it has refinements. */
  condition: FeedbackCondition;
  /** What a model writes that was tuned on it. */
  writes: OutputFormat;
  /** What else it depends on. */
  reads: readonly ('beta' | 'seed')[];
  /** @throws UserError for a context that it cannot do without */
  of(rows: ContextRows, how: { beta: number; seed: number; prompts: Prompts }): Weighted[];
}

const all: readonly TargetTable[] = ['initial', 'feedback', 'refinements', 'scores'];

/** Nothing where there is no text, or none that says something. */
const one = (written: Written | undefined): Weighted[] => (written?.text ? [{ written, weight: 1 }] : []);

const picked = ({ refinements, scores }: ContextRows): RefinementRow | undefined => {
  const best = scores.find(({ selected }) => selected)?.candidate;
  return refinements.find(({ candidate }) => candidate === best);
};

const textOf = ({ text, ids, tokenizer }: Written): Written => ({ text, ids, tokenizer });

/** A random one: no ranker could tell which follows feedback that was not given. */
const anyRefinement: TargetKind['of'] = ({ context, refinements }, { seed }) =>
  refinements.length === 0 ? [] : one(textOf(random('pick', seed, context.id).pick(refinements)));

/** @throws UserError where a context has no reference */
export function goldOf(context: Context): string {
  const { gold } = context;
  if (!gold)
    throw new UserError(
      `${contextName(context)} has no reference to learn; give each a "gold", or other targets`,
    );
  return gold;
}

/** Texts with less than this part of the heaviest's weight are left out: they would cost as much, and teach nothing. */
const LEAST_WEIGHT = 1e-3;

/** ω ∝ exp(β R) π_0 / π_ψ; without π_ψ where the refiner could not tell. */
const weighted: TargetKind['of'] = ({ refinements, scores }, { beta }) => {
  const said = refinements.filter(({ text }) => text !== '');
  if (said.length === 0) return [];
  const { weights } = posteriorWeights({ ...posteriorTerms(said, scores), beta });
  const least = LEAST_WEIGHT * Math.max(...weights);
  const kept = said
    .map((row, i) => ({ written: textOf(row), weight: weights[i]! }))
    .filter(({ weight }) => weight >= least);
  const total = kept.reduce((sum, { weight }) => sum + weight, 0);
  return kept.map(({ written, weight }) => ({ written, weight: weight / total }));
};

const plain = { condition: 'own', writes: 'output', reads: [] } as const;

export const targetKinds: readonly TargetKind[] = [
  {
    ...plain,
    name: 'ilf',
    help: 'the refinement that the ranker picked',
    tables: all,
    of: (rows) => {
      const row = picked(rows);
      return one(row && textOf(row));
    },
  },
  {
    ...plain,
    name: 'initial',
    help: 'x0, what the model wrote anyway',
    tables: ['initial'],
    of: ({ initial }) => one(initial && textOf(initial)),
  },
  {
    ...plain,
    name: 'gold',
    help: 'the reference',
    tables: [],
    of: ({ context }) => one(given(goldOf(context))),
  },
  {
    ...plain,
    name: 'no-feedback',
    help: 'a random refinement made without feedback',
    tables: ['initial', 'refinements'],
    condition: 'none',
    reads: ['seed'],
    of: anyRefinement,
  },
  {
    ...plain,
    name: 'shuffled-feedback',
    help: "a random refinement made with another context's feedback",
    tables: ['initial', 'feedback', 'refinements'],
    condition: 'other',
    reads: ['seed'],
    of: anyRefinement,
  },
  {
    ...plain,
    name: 'feedback-refinement',
    help: 'the feedback, and the picked refinement after it',
    tables: all,
    writes: 'feedback and output',
    of: (rows, { prompts }) => {
      const row = picked(rows);
      return row?.text ? one(given(feedbackThenOutput(prompts, rows.feedback ?? '', row.text))) : [];
    },
  },
  {
    ...plain,
    name: 'posterior',
    help: 'all refinements, weighted by the posterior',
    tables: all,
    reads: ['beta'],
    of: weighted,
  },
];

/** @throws UserError where there is none of this name */
export function targetKind(name: string): TargetKind {
  const kind = targetKinds.find((of) => of.name === name);
  if (!kind)
    throw new UserError(
      `there are no targets "${name}"; there are ${targetKinds.map((of) => of.name).join(', ')}`,
    );
  return kind;
}
